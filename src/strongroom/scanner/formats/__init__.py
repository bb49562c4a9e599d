"""Format readers: files where the place is the evidence.

`reader_for(path)` is a cheap look-up by file name; `read` yields where each secret stands.
A reader that is `exclusive` knows the whole file: generic detection leaves it alone.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from strongroom.scanner.formats.candidate import Candidate

__all__ = ["Candidate", "Reader", "read", "reader_for"]


class Reader(NamedTuple):
    """How one family of files is read; `read(path, data)` yields its secrets."""

    name: str
    read: Callable[[str, bytes], Iterator[Candidate]]
    exclusive: bool = True


def reader_for(path: str) -> Reader | None:
    """Return the reader of the file at `path`, or None for nearly all files."""
    return None


def read(path: str, data: bytes) -> Iterator[Candidate]:
    """Yield the secrets of a file whose format is known; nothing for other files."""
    reader = reader_for(path)
    if reader is not None:
        yield from reader.read(path, data)
