"""Who owns a file, by the repository's CODEOWNERS: the last line that matches.

Source: GitHub, "About code owners" (patterns as in .gitignore, without `!`, `[ ]` and `\\#`).
"""

from __future__ import annotations

import os
import re

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
LARGEST = 1 << 20
MAX_LINES = 10_000

Line = tuple["re.Pattern[str]", tuple[str, ...]]


def read(root: str) -> list[Line]:
    """The lines of the first file that is there; none where there is no such file."""
    for place in PLACES:
        try:
            with open(os.path.join(root, place), encoding="utf-8", errors="replace") as file:  # noqa: PTH118, PTH123
                return parse(file.read(LARGEST))
        except OSError:
            continue
    return []


def parse(text: str) -> list[Line]:
    """Read lines of a pattern and owners; sections and comments are passed over."""
    lines: list[Line] = []
    for line in text.splitlines()[:MAX_LINES]:
        words = line.partition("#")[0].split()
        if words and not words[0].startswith(("[", "^[", "!")):
            lines.append((_pattern(words[0]), tuple(words[1:])))
    return lines


def owners(lines: list[Line], path: str) -> tuple[str, ...]:
    """The owners of a path relative to the root."""
    for pattern, found in reversed(lines):
        if pattern.match(path):
            return found
    return ()


def _pattern(glob: str) -> re.Pattern[str]:
    """A pattern as .gitignore has it: anchored when it has a slash before its end; a folder is all below."""
    anchored = "/" in glob.rstrip("/")
    body = glob.strip("/")
    parts = [_part(part) for part in re.split(r"(\*\*/|/\*\*|\*\*|\*|\?)", body)]
    head = "" if anchored else "(?:.*/)?"
    tail = "/.*" if glob.endswith("/") else "" if glob.endswith("/*") else "(?:/.*)?"
    return re.compile(f"{head}{''.join(parts)}{tail}\\Z", re.DOTALL)


def _part(part: str) -> str:
    known = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return known.get(part) or re.escape(part)
