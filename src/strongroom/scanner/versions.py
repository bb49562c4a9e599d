"""Search many texts in one pass, and of a version of a text only what is new in it.

A hit depends on the bytes it matches, at most `width` before its end, and that of a name on
whether a value begins behind it. So hits well inside a copied part are the base's; around its
edges the new text is searched.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING

from strongroom.scanner.limits import NAME_REACH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from strongroom.scanner.blob import Version

    Hit = tuple[int, int]
    Search = Callable[[bytes], list[Hit]]
    Zone = tuple[
        int, int, int
    ]  # hits that end after the first, up to the last, are the base's moved by the third

AT_END = 2  # bytes after a hit's end that its match depends on
AFTER = NAME_REACH + 68  # and that tell whether a name has a value: where one begins, and a digit of it
LEAST = 256  # bytes of known text that are worth leaving out

_END = itemgetter(1)


def hits(
    search: Search, texts: Sequence[bytes], versions: Sequence[Version | None], width: int
) -> list[list[Hit]]:
    """Return what `search` finds in each of `texts`, ordered by end; `versions` are what is known of them.

    The base of a version was searched before, or stands before it.
    """
    before = width + AT_END
    found: list[list[Hit]] = [[] for _ in texts]
    joined = _Joined()
    inherited: list[tuple[int, Version, list[Zone]]] = []
    ahead: set[Version] = set()
    for number, (data, version) in enumerate(zip(texts, versions, strict=True)):
        if version is None:
            joined.add(number, data, 0, len(data))
            continue
        base = version.base
        zones = _zones(version, base, before) if base and (base.hits is not None or base in ahead) else []
        at = 0
        for first, last, _ in zones:
            if at < first:
                joined.add(number, data, at, first, before)
            at = last
        if at < len(data):
            joined.add(number, data, at, len(data), before)
        inherited.append((number, version, zones))
        ahead.add(version)
    joined.search(search, found)
    for number, version, zones in inherited:
        if zones:
            _inherit(version, zones, found[number])
        version.hits = found[number]
    return found


class _Joined:
    """Pieces of texts, one behind the other: what one call of the engine searches."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._ends: list[int] = []  # of each piece, with the byte that parts it from the next
        self._places: list[tuple[int, int, int, int, int]] = []
        self._size = 0

    def add(self, number: int, data: bytes, first: int, last: int, before: int = 0) -> None:
        """Add what text `number` has after `first`, up to `last`, with what surrounds it."""
        low, high = max(0, first - before), min(len(data), last + AFTER)
        self._parts.append(data if high - low == len(data) else data[low:high])
        self._places.append((number, low - self._size, first, last, high))
        self._size += high - low + 1
        self._ends.append(self._size)

    def search(self, search: Search, found: list[list[Hit]]) -> None:
        """Search the pieces and give each hit to its text."""
        parts, ends = self._parts, self._ends
        place = limit = -1
        number = shift = first = last = high = 0
        for index, end in search(parts[0] if len(parts) == 1 else b"\n".join(parts)):
            if end > limit:
                place = bisect_left(ends, end, place + 1)
                limit = ends[place]
                number, shift, first, last, high = self._places[place]
            at = min(end + shift, high)
            if first < at <= last:
                found[number].append((index, at))


def _zones(version: Version, base: Version, before: int) -> list[Zone]:
    """The parts of a version whose hits are known: its long copies without their edges."""
    zones = []
    for to, begin, length in version.copies:
        first = to + before if to or begin else 0
        whole = to + length == version.size and begin + length == base.size
        last = to + length - (0 if whole else AFTER)
        if last - first >= LEAST:
            zones.append((first, last, to - begin))
    return zones


def _inherit(version: Version, zones: list[Zone], found: list[Hit]) -> None:
    """Add the base's hits in `zones` to those found."""
    known = version.base.hits if version.base else None
    if not known:
        return
    new = len(found)
    for first, last, shift in zones:
        low = bisect_right(known, first - shift, key=_END)
        high = bisect_right(known, last - shift, low, key=_END)
        found += [(index, end + shift) for index, end in known[low:high]]
    if new:
        found.sort(key=_END)
