"""The two engines that tell where something may be: Hyperscan, and one that runs anywhere.

Both give hits as (index into the plan, end offset), ordered by end.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from strongroom.scanner import plan as plans
from strongroom.scanner import regions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from strongroom.scanner.plan import Plan, Target

    Hit = tuple[int, int]


class Engine(Protocol):
    """Finds where something may be; the matcher decides what it is."""

    def hits(self, data: bytes) -> list[Hit]:
        """Return (index into the plan, end offset) of all hits, ordered by end."""
        ...


class Hyperscan:
    """Two databases: `shapes` of secrets, in base64 too, and of code that holds them; and names, the `words`.

    Apart they are faster than as one. `near` are the names that matter only near a value; where a text
    is dense with them, `runs` tells which are.
    """

    def __init__(
        self, shapes: bytes, words: bytes = b"", runs: bytes = b"", near: Collection[int] = ()
    ) -> None:
        self._shapes = _load(shapes)
        self._words: Any = _load(words) if words else None
        self._stored = runs
        self._runs: Any = None
        self._near = near

    def hits(self, data: bytes) -> list[Hit]:
        """Return all hits in `data`, ordered by end."""
        found = _scan(self._shapes, data)
        words = _scan(self._words, data) if self._words else []
        if words:
            if regions.is_dense(len(words), len(data)):
                words = self._spoken(data, words)
            found += words
            found.sort(key=itemgetter(1))
        return found

    def _spoken(self, data: bytes, words: list[Hit]) -> list[Hit]:
        if self._runs is None:
            self._runs = _load(self._stored)
        ends = [end for _, end in _scan(self._runs, data)]
        return list(regions.spoken(data, words, ends, self._near))


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
