"""Windows: the ten bytes of a value by which it is sought, where they may begin, and their hash.

A window is of characters that print, without spaces, and begins where a byte above `/` is
followed by a digit or a capital, wherever the value stands: so the scanner looks at few
places, and at the same ones as the index.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 10
WORD = 8  # bytes of each of the two overlapping numbers that a window is hashed as
SALT_BYTES = 32
SELECTIVITY = 18  # one place in 2^18 passes the filter by chance
LEGIBLE = 12  # printing bytes that must stand together for their base64 or hex to be looked at
FLOOR = 47  # `/`: white space, quotes, brackets and commas are below
_START = re.compile(rb"(?=[0-~][0-9A-Z][!-~]{%d})" % (WIDTH - 2))
_ALL = (1 << 64) - 1


class Salt(NamedTuple):
    """The odd numbers of an index's window hash; public."""

    first: int
    last: int
    mix: int

    @classmethod
    def of(cls, raw: bytes) -> Salt:
        """From random bytes, SALT_BYTES of them."""
        return cls(*(int.from_bytes(raw[at : at + WORD], "little") | 1 for at in (0, 8, 16)))


def starts(text: bytes) -> Iterator[int]:
    """Where a window may begin in `text`."""
    for found in _START.finditer(text):
        yield found.start()


def window_hash(salt: Salt, window: bytes) -> int:
    """The 64-bit hash of one window: what `search.Filter` computes for many."""
    first = int.from_bytes(window[:WORD], "little") * salt.first
    last = int.from_bytes(window[WIDTH - WORD :], "little") * salt.last
    mixed = (first ^ last) & _ALL
    return ((mixed ^ (mixed >> 32)) * salt.mix) & _ALL


def hash_bits(rows: int) -> int:
    """How many leading bits of the hash a filter of so many rows shows."""
    return min(64, SELECTIVITY + max(1, rows).bit_length())
