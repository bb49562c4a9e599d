"""Generic secrets of a version of a text: what stands in copied parts is known from its base.

Whether an assignment holds a secret depends on the lines around it, so well inside a
copied part the base's answer is this text's. Other shapes are rare and looked at again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from strongroom.scanner import generic
from strongroom.scanner.generic_language import place_of
from strongroom.scanner.generic_triggers import TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from strongroom.scanner.blob import Version
    from strongroom.scanner.formats import Candidate
    from strongroom.scanner.generic_language import Place

    Hit = tuple[int, int]

BEFORE, AFTER = 768, 2560  # bytes around an assignment that its judgement may look at
LINES, BEYOND = 3, 768  # it looks at nothing so many bytes behind the third line end after a trigger
MARGIN = 256  # bytes between a trigger's end and its secret's beginning
LEAST = 1024  # bytes of known text that are worth leaving out

_ASSIGN = frozenset(n for n, trigger in enumerate(TRIGGERS) if trigger.name == "assign")
_END = itemgetter(1)


class Zone(NamedTuple):
    """Text of the base, moved by `shift`: triggers in [quiet, loud) and secrets in [low, high) are known."""

    low: int
    high: int
    quiet: int
    loud: int
    shift: int


def find(path: str, data: bytes, triggers: list[Hit], version: Version) -> list[Candidate]:
    """The generic secrets of a version that no reader knows the format of."""
    base, place = version.base, place_of(path)
    known = zones(base, place, version.copies, data) if base else []
    new = list(generic.find(path, data, loud(triggers, known) if known else triggers))
    if known and base:
        new += list(carried(base, known, new))
    version.generic = (place, new)
    return new


def zones(base: Version, place: Place, copies: list[tuple[int, int, int]], data: bytes) -> list[Zone]:
    """The parts of a version whose assignments are known; none when its file is read in another way."""
    if base.generic is None or base.generic[0] != place:
        return []
    size = len(data)
    found = []
    for to, begin, length in copies:
        front = not to and not begin
        back = to + length == size and begin + length == base.size
        low = to + (0 if front else BEFORE)
        high = size if back else _last_judged(data, low, to + length)
        if high - low >= LEAST:
            quiet, loud = low + (0 if front else MARGIN), high - (0 if back else MARGIN)
            found.append(Zone(low, high, quiet, loud, to - begin))
    return found


def _last_judged(data: bytes, low: int, end: int) -> int:
    """Up to where nothing is judged by what stands behind `end`."""
    first = max(low, end - AFTER)
    head, *lines = data[first : max(first, end - BEYOND)].rsplit(b"\n", LINES)
    return first + len(head) if len(lines) == LINES else end - AFTER


def loud(triggers: list[Hit], found: list[Zone]) -> Iterator[Hit]:
    """Yield the triggers that must be looked at; `triggers` are ordered by end."""
    at = 0
    for zone in found:
        first = bisect_left(triggers, zone.quiet, at, key=_END)
        yield from triggers[at:first]
        at = bisect_right(triggers, zone.loud, first, key=_END)
        yield from (hit for hit in triggers[first:at] if hit[0] not in _ASSIGN)
    yield from triggers[at:]


def carried(base: Version, found: list[Zone], new: Iterable[Candidate]) -> Iterator[Candidate]:
    """Yield the base's secrets in the zones, but none over a `new` one."""
    known = base.generic[1] if base.generic else []
    if not known or not found:
        return
    taken = [(c.start, c.end) for c in new]
    for zone in found:
        for candidate in known:
            start, end = candidate.start + zone.shift, candidate.end + zone.shift
            if zone.low <= start < zone.high and not any(a < end and start < b for a, b in taken):
                yield candidate._replace(start=start, end=end)
