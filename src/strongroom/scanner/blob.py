"""What is scanned: blobs, how they were reached, and where they come from.

Plain classes, not dataclasses: a git hook pays for each import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from strongroom.scanner.formats import Candidate
    from strongroom.scanner.generic_language import Place

# What does not print becomes a line end: offsets stay, and nothing is read across a gap.
PRINTABLE = bytes(c if 32 <= c < 127 or c in b"\t\r\n" else 10 for c in range(256))


_STEP = 256 << 10


def line_ends(data: bytes, start: int, end: int) -> int:
    """How many lines end in data[start:end].

    `replace` finds them by `memchr`, where `count` looks at each byte: a third of the time on long lines.
    """
    ends = 0
    for at in range(start, end, _STEP):
        part = data[at : min(at + _STEP, end)]
        ends += len(part) - len(part.replace(b"\n", b""))
    return ends


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


class Version:
    """What is known of a blob's text, for a blob that was made from it.

    `copies` are the parts taken from `base`, as (to, from, length), ascending. `hits` is set
    by the engine that has searched the text, and None before; `generic` by the matcher: how
    the file was read, and the generic secrets in it.
    """

    __slots__ = ("base", "copies", "generic", "hits", "size")

    def __init__(self, size: int, base: Version | None = None) -> None:
        self.size = size
        self.base = base
        self.copies: list[tuple[int, int, int]] = []
        self.hits: list[tuple[int, int]] | None = None
        self.generic: tuple[Place, list[Candidate]] | None = None

    def settle(self) -> None:
        """Let go of the base, when all that it tells is known."""
        self.base = None
        self.copies = []


class Blob:
    """Bytes scanned once. `id` is the git object id, or "" where there is none.

    A source yields a huge file in overlapping pieces. Then `offset` is where
    `data` begins in the file, `line()` how many lines end before that, and the
    piece owns the matches that begin in data[own:own_end]: those in the overlap
    are seen again, with all that stands around them, in the next piece. In a
    `binary` what does not print (PRINTABLE maps it to a line end) separates.
    `head` is how the file begins, where `data` is a later piece. `version` tells what `data`
    shares with a text that was scanned before.
    """

    __slots__ = ("binary", "data", "head", "id", "line", "offset", "own", "own_end", "provenance", "version")

    def __init__(
        self,
        id: str,
        data: bytes,
        provenance: Provenance,
        *,
        offset: int = 0,
        line: Callable[[], int] = int,
        own: int = 0,
        own_end: int = -1,
        binary: bool = False,
        head: bytes = b"",
        version: Version | None = None,
    ) -> None:
        self.id = id
        self.data = data
        self.provenance = provenance
        self.offset = offset
        self.line = line
        self.own = own
        self.own_end = own_end
        self.binary = binary
        self.head = head
        self.version = version

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
