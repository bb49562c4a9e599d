"""Files of `NAME=value` lines, as dotenv libraries, Compose and shells read them.

`export` may stand before a name; 'single' quotes keep everything, "double" ones know \\n, \\t, \\",
\\\\ and \\$ and may span lines; unquoted values end at a blank before `#`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from strongroom.cli import errors
from strongroom.cli.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)[ \t]*=[ \t]*
    (?: '(?P<single>[^']*)' | "(?P<double>(?:[^"\\]|\\.)*)" | (?P<bare>(?!['"])[^\r\n]*?) )
    [ \t]*(?:(?<=[\s'"])\#[^\r\n]*)?(?=\r?\n|\Z)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_NOTHING = re.compile(r"[ \t]*(?:#[^\r\n]*)?\r?(?:\n|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "\n": ""}


class Variable(NamedTuple):
    """A variable; its value's text stands at `start` to `end`, counted in characters."""

    name: str
    value: str
    start: int
    end: int
    line: int

    def __repr__(self) -> str:
        return f"Variable({self.name}, line {self.line})"


def parsed(text: str, file: str) -> list[Variable]:
    """The variables of a file. Raises Failure for a line that is none, without showing it."""
    return list(_parsed(text, file))


def _parsed(text: str, file: str) -> Iterator[Variable]:
    at = 0
    while at < len(text):
        nothing = _NOTHING.match(text, at)
        if nothing is not None and nothing.end() > at:
            at = nothing.end()
            continue
        found = _LINE.match(text, at)
        line = text.count("\n", 0, at) + 1
        if found is None:
            raise Failure(errors.USAGE, f"{file}: line {line} cannot be read", "It is not NAME=VALUE.")
        kind = found.lastgroup if found.lastgroup != "name" else "bare"
        raw = found[kind or "bare"]
        yield Variable(
            found["name"], _unescaped(raw) if kind == "double" else raw, *found.span(kind or "bare"), line
        )
        end = text.find("\n", found.end())
        at = len(text) if end < 0 else end + 1


def _unescaped(raw: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), raw)
