"""Which names of a text have a value near them: asked where names stand so close that each look would cost.

A value without a shape of its own is a long run of letters, digits and signs. One pass tells
where runs end that hold a digit; a name is looked at only when such a run begins soon after it.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from strongroom.scanner.limits import NAME_REACH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    Hit = tuple[int, int]

LEAST = 20  # bytes of a value that may be told by its run
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/=.:~%|"
DENSE = 2048  # bytes for each name in a text whose runs are asked for
FOLLOW = 3  # bytes that a name's hit may end after the name
_STEP = 256


def pattern() -> str:
    """Fires once, behind each run of LEAST bytes or more with a digit in it."""
    signs = r"_\-+/=.:~%|"
    wordy, any_ = f"[A-Za-z{signs}]", f"[0-9A-Za-z{signs}]"
    ways = [rf"{_times(wordy, n)}\d{_times(any_, LEAST - 1 - n)}" for n in range(LEAST - 1)]
    ways.append(rf"{wordy}{{{LEAST - 1},}}\d")
    outside = f"[^0-9A-Za-z{signs}]"
    return f"(?:^|{outside})(?:{'|'.join(ways)}){any_}*(?:{outside}|$)"


def _times(group: str, count: int) -> str:
    return f"{group}{{{count}}}" if count else ""


def is_dense(names: int, size: int) -> bool:
    """Whether a text of `size` bytes has so many names that its runs should be asked for."""
    return names * DENSE > size


def spoken(data: bytes, hits: Sequence[Hit], ends: Sequence[int], names: Collection[int]) -> Iterator[Hit]:
    """Yield `hits` without those of `names` (indexes of the plan) that no run follows; both are ordered.

    `ends` are where `pattern` fires.
    """
    at, count = 0, len(ends)
    begins = -1
    for hit in hits:
        index, end = hit
        if index in names:
            name_end = end - FOLLOW
            if at < count and ends[at] < name_end + LEAST:
                at = bisect_left(ends, name_end + LEAST, at)
                begins = -1
            if at == count:
                continue
            if begins < 0:
                begins = start(data, ends[at] - 1)
            if begins > end + NAME_REACH:
                continue
        yield hit


def start(data: bytes, end: int) -> int:
    """Where the run begins that ends at `end` or a byte before."""
    step = _STEP
    while True:
        low = max(0, end - step)
        rest = len(data[low:end].rstrip(ALPHABET))
        if rest or not low:
            return low + rest
        step *= 4
