"""Open what a file holds, and what that holds: each text inside becomes a blob with its way there."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

from strongroom.scanner.archives import members
from strongroom.scanner.archives.budget import Budget, Refused
from strongroom.scanner.archives.kinds import CLOSED, HEAD, sniff
from strongroom.scanner.archives.streams import CHUNK, Damaged, View, inflated
from strongroom.scanner.blob import Blob
from strongroom.scanner.decode import text
from strongroom.scanner.limits import OVERLAP, PIECE
from strongroom.scanner.sources.inflate import InflateError
from strongroom.scanner.sources.stdin import StreamSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from strongroom.scanner.archives.streams import Reader
    from strongroom.scanner.blob import Provenance
    from strongroom.scanner.limits import Limits

    Warn = Callable[[str], None]

IN_MEMORY = 256 << 20  # bytes of a member that must be held whole (a zip in a tar, a PDF)
NAME_SHOWN = 400
WALKERS = {"tar": members.tar, "ar": members.ar, "cpio": members.cpio}
SUFFIXES = {
    "gzip": (".gz", ".tgz"),
    "xz": (".xz", ".txz"),
    "zstd": (".zst", ".tzst"),
    "bzip2": (".bz2", ".tbz2"),
}
BROKEN = (
    Damaged, InflateError, EOFError, OSError, ValueError, zlib.error, struct.error, IndexError,
    KeyError, OverflowError, MemoryError, NotImplementedError, RuntimeError, RecursionError,
)  # fmt: skip


class Opener:
    """Opens one outermost file. What is damaged, closed or over the budget is told to `warn`."""

    def __init__(self, blob_id: str, budget: Budget, warn: Warn) -> None:
        self.id = blob_id
        self.budget = budget
        self._warn = warn

    def open(self, reader: Reader, provenance: Provenance, depth: int = 0) -> Iterator[Blob]:
        """Yield the texts in a stream: its own, or those of what it holds."""
        kind = sniff(reader.peek(HEAD)[:HEAD], provenance.name)
        if not kind:
            yield from self.plain(reader, provenance)
        elif kind in CLOSED:
            self.warn(provenance, f"{CLOSED[kind]} archives are not opened")
        elif depth >= self.budget.depth:
            self.warn(provenance, "archives are nested too deep: not opened")
        else:
            try:
                yield from self._container(kind, reader, provenance, depth)
            except BROKEN as error:
                self.warn(provenance, f"damaged or not readable as {kind}: {said(error)}")

    def plain(self, reader: Reader, provenance: Provenance) -> Iterator[Blob]:
        """Yield a member that holds nothing else, in pieces when it is huge."""
        data = reader.read(CHUNK)
        if len(data) == CHUNK:
            data += reader.read(PIECE + OVERLAP - CHUNK)
        if len(data) < PIECE + OVERLAP:
            yield from text(Blob(self.id, data, provenance))
            return
        for piece in StreamSource(cast("BinaryIO", _Again(data, reader))).shards(1)[0]():
            piece.id, piece.provenance = self.id, provenance
            yield from text(piece)

    def warn(self, provenance: Provenance, message: str) -> None:
        """Tell about a part that is not scanned."""
        self._warn(f"{provenance.shown}: {message}")

    def _container(self, kind: str, reader: Reader, provenance: Provenance, depth: int) -> Iterator[Blob]:
        if kind in WALKERS:
            yield from self._members(kind, reader, provenance, depth)
        elif kind == "rpm":
            members.rpm_payload(reader)
            yield from self.open(io.BufferedReader(_Rest(reader)), provenance.within("payload"), depth + 1)
        elif kind in SUFFIXES:
            payload = inflated(kind, reader, self.budget)
            yield from self.open(payload, self._payload(kind, payload, provenance), depth + 1)
        elif kind == "zip":
            from strongroom.scanner.archives.zipped import open_zip  # noqa: PLC0415 (slow to import)

            yield from open_zip(self, self.seekable(reader), provenance, depth)
        else:
            from strongroom.scanner.archives import documents  # noqa: PLC0415

            yield from documents.open_document(self, kind, self.whole(reader), provenance)

    def _members(self, kind: str, reader: Reader, at: Provenance, depth: int) -> Iterator[Blob]:
        for name, span in WALKERS[kind](reader):
            self.budget.member()
            if span.left:
                yield from self.open(io.BufferedReader(span, CHUNK), at.within(shown(name)), depth + 1)

    def _payload(self, kind: str, payload: Reader, provenance: Provenance) -> Provenance:
        """Name what was compressed: `app.log.gz` holds `app.log`; a tar inside adds no step."""
        if sniff(payload.peek(HEAD)[:HEAD], "") in WALKERS:
            return provenance
        name = provenance.name.rsplit("/", 1)[-1]
        for suffix in SUFFIXES[kind]:
            if name.lower().endswith(suffix):
                return provenance.within(name[: -len(suffix)] or kind)
        return provenance.within(kind)

    def seekable(self, reader: Reader) -> Reader:
        """Return the stream itself where it can seek, otherwise a copy in memory."""
        return reader if reader.seekable() else io.BufferedReader(View(self.whole(reader)))

    def whole(self, reader: Reader) -> bytes:
        """Return all that a stream holds; raises ValueError when that is too much to hold."""
        data = reader.read(IN_MEMORY + 1)
        if len(data) > IN_MEMORY:
            raise ValueError("too large to be held in memory")
        return data


class _Again:
    """A stream with what was read of it put back in front."""

    def __init__(self, front: bytes, rest: Reader) -> None:
        self._front = front
        self._rest = rest

    def read(self, size: int) -> bytes:
        if not self._front:
            return self._rest.read(size)
        data, self._front = self._front[:size], self._front[size:]
        return data


class _Rest(io.RawIOBase):
    """The rest of a buffered stream as a raw one: a new buffer gives a full view of its beginning."""

    def __init__(self, source: Reader) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]  # the stub wants any buffer
        return self._source.readinto(target)


def open_blob(blob: Blob, limits: Limits, warn: Warn) -> Iterator[Blob]:
    """Yield the texts in a blob that is a container; where none can be had, its own bytes."""
    opener = Opener(blob.id, Budget(limits, len(blob.data)), warn)
    opened = False
    try:
        for part in opener.open(io.BufferedReader(View(blob.data), CHUNK), blob.provenance):
            opened = True
            yield part
    except Refused as refused:
        opener.warn(blob.provenance, str(refused))
    if not opened:
        yield from opener.plain(io.BufferedReader(View(blob.data), CHUNK), blob.provenance)


def said(error: BaseException) -> str:
    """Describe an error without what the file put into it."""
    return str(error) if isinstance(error, Damaged) else type(error).__name__


def shown(name: str) -> str:
    """Make a member's name fit to be shown: no control characters, not endless."""
    if not name.isprintable():
        name = "".join(c if c.isprintable() else "?" for c in name)
    return name if len(name) <= NAME_SHOWN else name[:NAME_SHOWN] + "…"
