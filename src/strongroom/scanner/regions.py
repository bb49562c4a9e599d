"""The few parts of a text in which a value without a shape of its own can stand.

Thousands of names, searched everywhere, would cost more than all else. Such a
value is a long run of letters and digits, and the name that speaks of it stands
just before: so the one pass tells where runs with a digit end, and names are
sought only around the long ones.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from strongroom.scanner.limits import NAME_REACH

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST = 20  # bytes of a value that may be told by its run
# Fires where a run ends that has a digit before its last four characters: in 20 random
# letters and digits one that lacks it is about as rare as one without any digit. In a long
# run of base64, where `+` and `/` cut the text into short ones, any digit counts.
RUN = (
    r"\d[0-9A-Za-z_\-]{4}[0-9A-Za-z_\-]*(?:[^0-9A-Za-z_\-]|$)"
    r"|\d[0-9A-Za-z+/_\-]{19}[0-9A-Za-z+/_\-]*(?:[^0-9A-Za-z+/_\-]|$)"
)
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/=.:~%|"
BEFORE = NAME_REACH + 52  # bytes before a run that hold its name
DENSE = 96  # bytes for each run in a text that is searched whole
_STEP = 256
_MORE = re.compile(b"[%s]*" % re.escape(ALPHABET))


def around(data: bytes, ends: Sequence[int]) -> list[tuple[int, int]] | None:
    """The spans of `data` to search, apart and in order; None when it is all of it.

    `ends` are the ends of RUN's hits, ascending.
    """
    if len(ends) * DENSE > len(data):
        return None
    spans: list[tuple[int, int]] = []
    low = high = 0
    for end in ends:
        if end <= high:
            continue
        start = _start(data, end - 1, high)
        last = end
        if end - start <= LEAST:
            last = _MORE.match(data, end - 1, end + LEAST).end()  # type: ignore[union-attr]  # matches nothing too
            if last - start < LEAST:
                continue
        if spans and start - BEFORE <= high:
            spans[-1] = (low, last)
        else:
            low = max(0, start - BEFORE)
            spans.append((low, last))
        high = last
    return spans


def _start(data: bytes, end: int, least: int) -> int:
    """Where the run that ends at `end` begins, not before `least`."""
    low, step = max(least, end - _STEP), _STEP
    rest = len(data[low:end].rstrip(ALPHABET))
    while not rest and low > least:
        end, step = low, step * 2
        low = max(least, end - step)
        rest = len(data[low:end].rstrip(ALPHABET))
    return low + rest
