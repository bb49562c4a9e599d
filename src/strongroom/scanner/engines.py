"""The two engines that tell where something may be: Hyperscan, and one that runs anywhere.

Both give hits as (index into the plan, end offset), ordered by end.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from strongroom.scanner import plan as plans
from strongroom.scanner import regions, versions
from strongroom.scanner.limits import WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from strongroom.scanner.blob import Version
    from strongroom.scanner.plan import Plan, Target

    Hit = tuple[int, int]


PROBE = 16 << 10  # bytes that tell how dense the values in a long text are


class Engine(Protocol):
    """Finds where something may be; the matcher decides what it is."""

    def hits(self, data: bytes, version: Version | None = None) -> list[Hit]:
        """Return (index into the plan, end offset) of all hits, ordered by end.

        `version` tells what `data` has from a text searched before, and is told the hits.
        """
        ...


class Hyperscan:
    """Two databases: one over all of a text, one (`near`) only where a value may stand.

    `runs` is a third that finds such places; `width` the most that any expression matches.
    """

    def __init__(self, everywhere: bytes, near: bytes = b"", runs: bytes = b"", width: int = WINDOW) -> None:
        self._everywhere = _load(everywhere)
        self._runs: Any = _load(runs) if near else None
        self._stored = near
        self._near: Any = None
        self._width = width

    def hits(self, data: bytes, version: Version | None = None) -> list[Hit]:
        """Return all hits in `data`, ordered by end; searches only what is new in a version."""
        if version is None:
            return self._search(data)
        base = version.base
        if base is None or base.hits is None or not version.copies:
            found = self._search(data)
        else:
            found = versions.hits(self._search, data, version, base, self._width)
        version.settle(found)
        return found

    def _search(self, data: bytes) -> list[Hit]:
        found = _scan(self._everywhere, data)
        spans = self._spans(data) if self._runs else []
        near = self._near_hits(data, spans) if spans is None or spans else []
        if near:
            found += near
            found.sort(key=itemgetter(1))
        return found

    def _spans(self, data: bytes) -> list[tuple[int, int]] | None:
        """Where a value may stand; None is everywhere, which the beginning tells of a long text."""
        if len(data) > 4 * PROBE and regions.around(data[:PROBE], self._ends(data[:PROBE])) is None:
            return None
        return regions.around(data, self._ends(data))

    def _ends(self, data: bytes) -> list[int]:
        ends: list[int] = []
        add = ends.append
        self._runs.scan(data, match_event_handler=lambda _index, _from, to, _flags, _ctx: add(to))
        return ends

    def _near_hits(self, data: bytes, spans: list[tuple[int, int]] | None) -> list[Hit]:
        """The second database's hits in the spans of `data`, or in all of it."""
        if self._near is None:
            self._near = _load(self._stored)
        if spans is None:
            return _scan(self._near, data)
        place = 0
        hits = []
        shift, last = spans[0][0], spans[0][1] - spans[0][0]
        for index, end in _scan(self._near, b"\n".join([data[low:high] for low, high in spans])):
            while end > last:
                place += 1
                low, high = spans[place]
                shift = low - last - 1
                last += 1 + high - low
            hits.append((index, end + shift))
        return hits


def _load(serialized: bytes) -> Any:
    import hyperscan  # noqa: PLC0415 (absent on some platforms)

    database = hyperscan.loadb(serialized, hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return database


def _scan(database: Any, data: bytes) -> list[Hit]:
    found: list[Hit] = []
    add = found.append
    database.scan(data, match_event_handler=lambda index, _from, to, _flags, _ctx: add((index, to)))
    return found


def compile_database(expressions: Mapping[int, str]) -> bytes:
    """Compile expressions of a plan by their index; returns the serialized database."""
    import hyperscan  # noqa: PLC0415 (absent on some platforms)

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[text.encode() for text in expressions.values()],
        ids=list(expressions),
        elements=len(expressions),
        flags=[0] * len(expressions),
    )
    return bytes(hyperscan.dumpb(database))


class Portable:
    """Aho-Corasick over the literals, `re` over the rest: the same findings, more slowly."""

    def __init__(self, plan: Plan) -> None:
        import ahocorasick_rs  # noqa: PLC0415 (only where there is no Hyperscan)

        self._exact: dict[bytes, list[int]] = {}
        self._lower: dict[bytes, list[int]] = {}
        self._patterns: list[tuple[int, re.Pattern[bytes]]] = []
        self._names: dict[int, tuple[re.Pattern[bytes], int]] = {}
        for index, (expression, target) in enumerate(zip(plan.expressions, plan.targets, strict=True)):
            self._place(index, expression, target)
        self._exact_search: Any = ahocorasick_rs.BytesAhoCorasick(list(self._exact))
        self._lower_search: Any = ahocorasick_rs.BytesAhoCorasick(list(self._lower))

    def _place(self, index: int, expression: str, target: Target) -> None:
        if target[0] == plans.NAME:
            literal = max(expression.removeprefix("(?i)").replace("\\", "").split("[_. -]?"), key=len)
            self._lower.setdefault(literal.encode(), []).append(index)
            self._names[index] = (re.compile(expression.encode()), len(expression))
        elif target[0] == plans.TRIGGER:
            self._patterns.append((index, re.compile(expression.encode())))
        else:
            literal = re.sub(r"\\(.)", r"\1", expression.removeprefix("(?i)"))
            caseless = expression.startswith("(?i)")
            store = self._lower if caseless else self._exact
            store.setdefault((literal.lower() if caseless else literal).encode(), []).append(index)

    def hits(self, data: bytes, version: Version | None = None) -> list[Hit]:
        """Return all hits in `data`, ordered by end."""
        found = [(index, hit.end()) for index, pattern in self._patterns for hit in pattern.finditer(data)]
        found += self._literals(self._exact_search, list(self._exact.values()), data)
        for index, end in self._literals(self._lower_search, list(self._lower.values()), data.lower()):
            found += self._named(index, end, data) if index in self._names else [(index, end)]
        return sorted(set(found), key=lambda hit: hit[1])

    @staticmethod
    def _literals(search: Any, values: list[list[int]], data: bytes) -> Iterator[Hit]:
        for number, _start, end in search.find_matches_as_indexes(data, overlapping=True):
            for index in values[number]:
                yield index, end

    def _named(self, index: int, end: int, data: bytes) -> list[Hit]:
        """Hits of a name around a hit of its longest part."""
        pattern, length = self._names[index]
        around = pattern.finditer(data, max(0, end - length), end + length)
        return [(index, hit.end()) for hit in around if hit.start() < end <= hit.end()]
