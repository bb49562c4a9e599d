"""Format readers: files where the place is the evidence.

`reader_for(path)` is a cheap look-up by file name; `read` yields where each secret stands.
A reader that is `exclusive` knows the whole file: generic detection leaves it alone.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from strongroom.scanner.formats.candidate import Candidate
from strongroom.scanner.formats.readers import READERS, Reader
from strongroom.scanner.kept_patterns import compiled

__all__ = ["READERS", "Candidate", "Reader", "read", "reader_for"]


# Most files of a source tree: no reader's path ends so, unless it holds one of ODD (a test holds them to it).
PLAIN = frozenset(
    (
        *(
            "py",
            "pyi",
            "pyc",
            "pyx",
            "js",
            "mjs",
            "cjs",
            "ts",
            "tsx",
            "jsx",
            "c",
            "h",
            "cc",
            "cpp",
            "hpp",
            "cs",
        ),
        *("rs", "go", "java", "kt", "scala", "swift", "rb", "pl", "html", "htm", "css", "scss", "md", "rst"),
        *("svg", "png", "gif", "jpg", "woff2", "so"),
    )
)
ODD = ("env", "vpn/", "pwfile", "htdigest", "mutt/", "ncftp/", "wp-config", "sites-")


@lru_cache(maxsize=1)
def _matcher() -> re.Pattern[str]:
    return compiled(
        r"(?:^|.*[/!])(?:" + "|".join(f"({reader.path})" for reader in READERS) + r")$", re.DOTALL
    )


@lru_cache(maxsize=4096)
def reader_for(path: str) -> Reader | None:
    """Return the reader of the file at `path`, or None for nearly all files."""
    tail = "/".join(path.lower().replace("\\", "/").rsplit("/", 2)[-2:])
    if tail.rpartition(".")[2] in PLAIN and not any(odd in tail for odd in ODD):
        return None
    match = _matcher().match(tail)
    if match is None or match.lastindex is None:
        return None
    return READERS[match.lastindex - 1]


def read(path: str, data: bytes) -> Iterator[Candidate]:
    """Yield the secrets of a file whose format is known; nothing for other files."""
    reader = reader_for(path)
    if reader is not None:
        yield from reader.read(path, data)
