"""Generic secrets: passwords, tokens and keys told by the name beside them.

The engine puts `TRIGGERS` into its one matching database, and calls `find` for each blob
that has a hit or a format reader (`formats.reader_for(path)`). What `find` yields is decided:
no entropy or allow-list check is to follow; only overlaps with precise detectors go, which win.
"""

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from functools import lru_cache

from strongroom.scanner import formats
from strongroom.scanner.formats import Candidate
from strongroom.scanner.generic_assign import Cursor, assignments
from strongroom.scanner.generic_bytes import written
from strongroom.scanner.generic_judge import Verdict, judge, judge_shape
from strongroom.scanner.generic_language import Place, place_of
from strongroom.scanner.generic_shapes import AHEAD, Shaped, private_keys, shapes, to_its_end
from strongroom.scanner.generic_triggers import TRIGGERS, Trigger

__all__ = ["TRIGGERS", "Trigger", "find", "hits"]

_SHORT = ("command", "device")  # families whose secret ends within so many bytes of a hit:
_SHORT_REACH = 600
_KINDS = tuple(t.name for t in TRIGGERS)


@lru_cache(maxsize=1)
def _compiled() -> list[re.Pattern[bytes]]:
    return [re.compile(t.pattern.encode()) for t in TRIGGERS]


def hits(data: bytes) -> list[tuple[int, int]]:
    """Run the triggers by `re`: (index into TRIGGERS, end offset), for where no database is at hand."""
    return [(n, m.end()) for n, pattern in enumerate(_compiled()) for m in pattern.finditer(data)]


def find(path: str, data: bytes, ends: Iterable[tuple[int, int]]) -> Iterator[Candidate]:
    """Yield the generic secrets of a file; `ends` are the triggers' hits: (index, end offset).

    `path` may be "" (standard input). A known format is read by its reader, which keeps the
    generic stage out of the file when it is exclusive.
    """
    taken: list[tuple[int, int]] = []
    reader = formats.reader_for(path)
    if reader is not None:
        for candidate in reader.read(path, data):
            insort(taken, (candidate.start, candidate.end))
            yield candidate
        if reader.exclusive:
            return
    place = place_of(path)
    if not place.lock:
        for candidate in _generic(data, ends, place):
            before = bisect_left(taken, (candidate.end, 0))
            if not before or taken[before - 1][1] <= candidate.start:
                insort(taken, (candidate.start, candidate.end))
                yield candidate


def _generic(data: bytes, ends: Iterable[tuple[int, int]], place: Place) -> Iterator[Candidate]:
    cursor = Cursor()
    places: set[int] = set()
    looked: dict[str, int] = {}
    ordered = sorted(ends, key=lambda hit: (_KINDS[hit[0]] == "assign", hit[1]))
    for trigger, end in ordered:
        kind = _KINDS[trigger]
        if kind == "key":
            yield from (
                _shaped(s, data, Verdict(True, 1.0, ("a private key in its armour",)))
                for s in private_keys(data, end, places)
            )
        elif kind == "bytes":
            yield from _bytes(data, end, place, places)
        elif kind in _SHORT:
            if end > looked.get(kind, 0):  # else the look at a hit before it has shown all around it
                looked[kind] = _shown(data, end)
                yield from _shapes(data, end, place, places, kind)
        elif kind != "assign":
            yield from _shapes(data, end, place, places, kind)
        else:
            yield from _assigned(data, end, place, cursor)


def _bytes(data: bytes, end: int, place: Place, seen: set[int]) -> Iterator[Candidate]:
    found = written(data, end, place)
    if found is not None and found.start not in seen:
        seen.add(found.start)
        secret, why = data[found.start : found.end], "the bytes of what its name calls a secret"
        yield Candidate(found.detector, found.start, found.end, secret, found.name, 0.9, (why,))


def _shown(data: bytes, end: int) -> int:
    """Up to which hit the shapes around one that ends at `end` are those of all."""
    line_end = data.find(b"\n", end, end + AHEAD - _SHORT_REACH)
    return line_end if line_end >= 0 else end + AHEAD - _SHORT_REACH


def _shapes(data: bytes, end: int, place: Place, seen: set[int], family: str) -> Iterator[Candidate]:
    for shaped in shapes(data, end, seen, family):
        verdict = judge_shape(shaped, data, place)
        if verdict.accepted:
            whole = to_its_end(shaped, data) if family in _SHORT else shaped
            yield _shaped(whole, data, verdict)


def _shaped(shaped: Shaped, data: bytes, verdict: Verdict) -> Candidate:
    start, end = shaped.start, shaped.end
    return Candidate(
        shaped.shape.detector, start, end, data[start:end], shaped.shape.name, verdict.score, verdict.reasons
    )


def _assigned(data: bytes, end: int, place: Place, cursor: Cursor) -> Iterator[Candidate]:
    for found in assignments(data, end, place, cursor):
        verdict = judge(found, data, place)
        if verdict.accepted:
            secret = data[found.start : found.end]
            yield Candidate(
                verdict.detector, found.start, found.end, secret, found.name, verdict.score, verdict.reasons
            )
