"""Looks for the windows of an index in text, many places at a time.

A hash at the places where a window may begin, two tables of a part of its bits each, and
an exact look-up for the few places that are left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from strongroom.scanner.known.survey import words_at
from strongroom.scanner.known.windows import WIDTH, WORD, Salt, hash_bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROW = np.dtype([("hash", "<u8"), ("tag", "S8"), ("id", "S8")])
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
        self._low = np.uint64(64 - bits)
        self._tables = np.zeros((2, 1 << TABLE_BITS), np.bool_)
        self._tables[0, self._leading(self._hashes)] = True
        self._tables[1, self._trailing(self._hashes)] = True

    def places(self, piece: bytes, begins: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Which of the places may hold a window of the index: (place, first row with its hash)."""
        if not len(self.rows) or not len(begins):
            return []
        hashes = self._hash(piece, begins)
        (passed,) = self._tables[0].take(self._leading(hashes), mode="clip").nonzero()
        passed = passed[self._tables[1].take(self._trailing(hashes[passed]), mode="clip")]
        if not len(passed):
            return []
        hashes = hashes[passed] & self._mask
        rows = np.searchsorted(self._hashes, hashes)
        rows[rows == len(self._hashes)] = 0
        (exact,) = (self._hashes[rows] == hashes).nonzero()
        return list(zip(begins[passed[exact]].tolist(), rows[exact].tolist(), strict=True))

    def _leading(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        return (hashes >> self._shift).view(np.int64)

    def _trailing(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The last of the bits that the filter shows."""
        return ((hashes >> self._low) & np.uint64((1 << TABLE_BITS) - 1)).view(np.int64)

    def _hash(self, text: bytes, at: NDArray[np.int64]) -> NDArray[np.uint64]:
        hashes = words_at(text, at)
        hashes *= np.uint64(self._salt.first)
        last = words_at(text, at + (WIDTH - WORD))
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
