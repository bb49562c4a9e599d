"""What is scanned: blobs, how they were reached, and where they come from.

Plain classes, not dataclasses: a git hook pays for each import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping


class Provenance(NamedTuple):
    """How a blob was reached.

    `inside` names the members below `path`, outermost first: an archive entry,
    an image layer, `notebook cell 3`, `base64@12:4`. `commit`, `author`,
    `email`, `date` (RFC 3339) and `message` are set for history only.
    """

    path: str
    commit: str = ""
    author: str = ""
    email: str = ""
    date: str = ""
    message: str = ""
    inside: tuple[str, ...] = ()

    def within(self, member: str) -> Provenance:
        """Return the provenance of `member` of this blob."""
        return self._replace(inside=(*self.inside, member))

    @property
    def shown(self) -> str:
        """The path as people read it, members after `!`."""
        return "!".join((self.path or "<stdin>", *self.inside))

    @property
    def name(self) -> str:
        """The innermost name: what tells the file format."""
        return self.inside[-1] if self.inside else self.path


class Blob:
    """Bytes scanned once. `id` is the git object id, or "" where there is none.

    `offset` and `line` say where `data` begins in the whole, for a source that
    yields a huge file in overlapping pieces: byte offset, and lines before it.
    `last` is false while more pieces follow.
    """

    __slots__ = ("data", "id", "last", "line", "offset", "provenance")

    def __init__(
        self,
        id: str,
        data: bytes,
        provenance: Provenance,
        *,
        offset: int = 0,
        line: int = 0,
        last: bool = True,
    ) -> None:
        self.id = id
        self.data = data
        self.provenance = provenance
        self.offset = offset
        self.line = line
        self.last = last

    def __repr__(self) -> str:
        return f"Blob({self.id!r}, {len(self.data)} bytes, {self.provenance.shown!r})"


class Source(Protocol):
    """Something to scan: files, a git history, an image, standard input."""

    warnings: list[str]

    def shards(self, count: int) -> list[Callable[[], Iterator[Blob]]]:
        """Split the work into at most `count` parts; a forked worker runs each."""
        ...

    def trace(self, ids: Collection[str]) -> Mapping[str, list[Provenance]]:
        """Where each blob id occurs, asked for hits only; {} means: the blob's own provenance."""
        ...
