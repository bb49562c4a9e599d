"""The two engines that tell where something may be: Hyperscan, and one that runs anywhere.

Both give hits as (index into the plan, end offset), ordered by end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from strongroom.scanner import plan as plans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from strongroom.scanner.plan import Plan, Target

    Hit = tuple[int, int]


class Engine(Protocol):
    """Finds where something may be; the matcher decides what it is."""

    def hits(self, data: bytes) -> list[Hit]:
        """Return (index into the plan, end offset) of all hits, ordered by end."""
        ...


class Hyperscan:
    """All detectors in one database, in one pass."""

    def __init__(self, serialized: bytes) -> None:
        import hyperscan  # noqa: PLC0415 (absent on some platforms)

        self._database = hyperscan.loadb(serialized, hyperscan.HS_MODE_BLOCK)
        self._scratch = hyperscan.Scratch(self._database)
        self._database.scratch = self._scratch
        self._found: list[Hit] = []

    def hits(self, data: bytes) -> list[Hit]:
        """Return all hits in `data`, ordered by end."""
        found: list[Hit] = []
        add = found.append
        self._database.scan(data, match_event_handler=lambda index, _from, to, _flags, _ctx: add((index, to)))
        return found


def compile_database(expressions: Sequence[str]) -> bytes:
    """Compile the expressions of a plan; returns the serialized database."""
    import hyperscan  # noqa: PLC0415 (absent on some platforms)

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    count = len(expressions)
    database.compile(
        expressions=[text.encode() for text in expressions],
        ids=list(range(count)),
        elements=count,
        flags=[0] * count,
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

    def hits(self, data: bytes) -> list[Hit]:
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
