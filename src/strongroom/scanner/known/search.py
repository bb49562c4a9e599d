"""Looks for the windows of an index in text, many places at a time.

Plain passes over the bytes, a hash at the few places where a window may begin, a table
of bits, and an exact look-up for the one place in 2^18 that is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from strongroom.scanner.known.encoded import marked
from strongroom.scanner.known.windows import FLOOR, WIDTH, WORD, Salt, hash_bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROW = np.dtype([("hash", "<u8"), ("tag", "S8"), ("id", "S8")])
PIECE = 1 << 17  # bytes looked at together: what fits the processor's cache
TABLE_BITS = 22


class Filter:
    """The rows of an index, ready to search with: truncated hashes, tags and numbers of values."""

    def __init__(self, salt: bytes, rows: bytes) -> None:
        self._salt = Salt.of(salt)
        self.rows = _sorted(np.frombuffer(rows, ROW))
        self._hashes = np.ascontiguousarray(self.rows["hash"])
        bits = hash_bits(len(self.rows))
        self._mask = np.uint64(((1 << bits) - 1) << (64 - bits))
        self._shift = np.uint64(64 - min(bits, TABLE_BITS))
        self._table = np.zeros(1 << min(bits, TABLE_BITS), np.bool_)
        self._table[(self._hashes >> self._shift).view(np.int64)] = True

    def places(self, data: bytes) -> list[tuple[int, int]]:
        """Where a window of the index may begin: (place, first row with its hash), ascending."""
        found: list[tuple[int, int]] = []
        if not len(self.rows):
            return found
        for base in range(0, len(data) - WIDTH + 1, PIECE):
            piece = data[base : base + PIECE + WIDTH - 1] if len(data) > PIECE else data
            found += [(base + at, row) for at, row in self._piece(piece)]
        return found

    def _piece(self, data: bytes) -> list[tuple[int, int]]:
        begins = _begins(np.frombuffer(data, np.uint8))
        hashes = self._hash(data, begins)
        passed = np.flatnonzero(self._table.take((hashes >> self._shift).view(np.int64), mode="clip"))
        if not len(passed):
            return []
        hashes = hashes[passed] & self._mask
        rows = np.searchsorted(self._hashes, hashes)
        rows[rows == len(self._hashes)] = 0
        exact = np.flatnonzero(self._hashes[rows] == hashes)
        return list(zip(begins[passed[exact]].tolist(), rows[exact].tolist(), strict=True))

    def _hash(self, data: bytes, at: NDArray[np.int64]) -> NDArray[np.uint64]:
        words: NDArray[np.uint64] = np.ndarray((len(data) - WORD + 1,), "<u8", data, strides=(1,))
        hashes = words[at]
        hashes *= np.uint64(self._salt.first)
        last = words[at + (WIDTH - WORD)]
        last *= np.uint64(self._salt.last)
        hashes ^= last
        hashes ^= hashes >> np.uint64(32)
        hashes *= np.uint64(self._salt.mix)
        return hashes

    def tags(self, row: int) -> list[tuple[bytes, bytes]]:
        """(tag, id) of every row that shares the hash of `row`, the first of them."""
        last = int(np.searchsorted(self._hashes, self._hashes[row], "right"))
        return [
            (bytes(r["tag"]).ljust(8, b"\0"), bytes(r["id"]).ljust(8, b"\0")) for r in self.rows[row:last]
        ]


def truncated(rows: bytes) -> bytes:
    """The rows of a filter as they may be shown: sorted, of each hash only the leading bits."""
    table = np.frombuffer(rows, ROW).copy()
    bits = hash_bits(len(table))
    table["hash"] &= np.uint64(((1 << bits) - 1) << (64 - bits))
    return bytes(_sorted(table).tobytes())


def _sorted(rows: NDArray[np.void]) -> NDArray[np.void]:
    return rows[np.argsort(rows["hash"], kind="stable")]


def _begins(text: NDArray[np.uint8]) -> NDArray[np.int64]:
    inner = text[: len(text) - WIDTH + 2]
    begins: NDArray[np.int64] = np.flatnonzero((inner[:-1] > FLOOR) & marked(inner)[1:])
    return begins
