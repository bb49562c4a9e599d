"""A stream as a source: standard input, in overlapping pieces and bounded memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from strongroom.scanner.blob import Blob, Provenance, line_ends
from strongroom.scanner.limits import BACK, OVERLAP, PIECE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from typing import BinaryIO


class StreamSource:
    """What can be read from `stream` until it ends; `path` is the name shown for it."""

    def __init__(self, stream: BinaryIO, path: str = "") -> None:
        self.stream = stream
        self.path = path
        self.warnings: list[str] = []

    def shards(self, count: int) -> list[Callable[[], Iterator[Blob]]]:
        """One part: a stream is read once, in order."""
        return [self._read]

    def trace(self, ids: Collection[str]) -> Mapping[str, list[Provenance]]:
        """Nothing to add: a stream has one place."""
        return {}

    def _read(self) -> Iterator[Blob]:
        provenance = Provenance(self.path)
        data = self._fill(b"", PIECE + OVERLAP)
        offset = lines = own = 0
        while data:
            final = len(data) < own + PIECE + OVERLAP
            own_end = len(data) if final else own + PIECE
            yield Blob(
                "",
                data,
                provenance,
                offset=offset,
                line=partial(int, lines),
                own=own,
                own_end=own_end,
            )
            if final:
                return
            cut = own_end - BACK
            lines += line_ends(data, 0, cut)
            offset += cut
            own = BACK
            data = self._fill(data[cut:], own + PIECE + OVERLAP)

    def _fill(self, data: bytes, size: int) -> bytes:
        """Read until `data` has `size` bytes or the stream ends."""
        parts, length = [data], len(data)
        while length < size and (more := self.stream.read(size - length)):
            parts.append(more)
            length += len(more)
        return b"".join(parts)
