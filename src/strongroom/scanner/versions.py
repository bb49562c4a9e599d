"""Search a version of a text: only what is new in it, the rest is known from its base.

A hit depends on the bytes it matches, at most `width` before its end, and a name
near a value (regions.py) on the beginning of that value. So hits well inside a copied
part are the base's; around its edges the new text is searched.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from strongroom.scanner.blob import Version

    Hit = tuple[int, int]
    Span = tuple[int, int]

AFTER = 128  # bytes after a name's end in which its value shows
LEAST = 256  # bytes of known text that are worth leaving out

_END = itemgetter(1)


def hits(
    search: Callable[[bytes], list[Hit]], data: bytes, version: Version, base: Version, width: int
) -> list[Hit]:
    """Return what `search` would find in `data`, ordered by end."""
    known = base.hits or []
    found: list[Hit] = []
    new: list[Span] = []
    at = 0
    for first, last, shift in _inner(version, base, width + 2):
        if at < first:
            new.append((at, first))
        low = bisect_right(known, first - shift, key=_END)
        high = bisect_right(known, last - shift, low, key=_END)
        found += [(index, end + shift) for index, end in known[low:high]]
        at = last
    if at < len(data):
        new.append((at, len(data)))
    if new:
        found += _searched(search, data, new, width + 2)
        found.sort(key=_END)
    return found


def _inner(version: Version, base: Version, before: int) -> Iterator[tuple[int, int, int]]:
    """Yield (first, last, shift): hits that end after first, up to last, are the base's moved by `shift`."""
    for to, begin, length in version.copies:
        first = to + before if to or begin else 0
        whole = to + length == version.size and begin + length == base.size
        last = to + length - (0 if whole else AFTER)
        if last - first >= LEAST:
            yield first, last, to - begin


def _searched(
    search: Callable[[bytes], list[Hit]], data: bytes, spans: list[Span], before: int
) -> Iterator[Hit]:
    """Yield the hits that end in the spans (first excluded, last included), searched in one go."""
    pieces = [(max(0, low - before), min(len(data), high + AFTER)) for low, high in spans]
    text = b"\n".join([data[low:high] for low, high in pieces])
    place = 0
    first, last = spans[0]
    shift, limit = pieces[0][0], pieces[0][1] - pieces[0][0]
    for index, end in search(text):
        while end > limit:
            place += 1
            low, high = pieces[place]
            shift, limit = low - limit - 1, limit + 1 + high - low
            first, last = spans[place]
        if first < end + shift <= last:
            yield index, end + shift
