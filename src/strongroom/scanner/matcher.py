"""Finds the secrets of one blob: the engine's hits, confirmed, without overlaps."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, NamedTuple

from strongroom.scanner import confirm, context, generic_stage, kept_patterns, plan, versions
from strongroom.scanner.blob import PRINTABLE
from strongroom.scanner.finding import CONFIDENCE_RANK, KIND_RANK, Match
from strongroom.scanner.kept_patterns import compiled
from strongroom.scanner.limits import NAME_REACH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from strongroom.scanner.blob import Version
    from strongroom.scanner.engines import Engine
    from strongroom.scanner.formats import Candidate
    from strongroom.scanner.rules import Rules

_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_BASE64_BEFORE = re.compile(rb"[A-Za-z0-9+/_-]{1,1024}\Z")
_MEMORY = 20_000  # windows whose answer is remembered
_LONGEST_BASE64 = 8 << 10
AROUND = 8 << 10  # bytes of a binary that are read around a generic hit
SAMPLE = (  # wakes the generic stage, and keeps nothing of it
    b'password = "x7Kd93kd0LmQ"\nurl: postgres://app:p4ss9word1@db/app\n'
    b"azure_key: 3f9Kd7aX2mQ8vB1nZ6cT0wYs5Lp4Rj\nAuthorization: Bearer 93kd0LmQx7Kd93kd0\n"
)
SURE, LIKELY = 0.9, 0.7  # scores of a generic candidate that make it as sure as its detector, or less


class Text(NamedTuple):
    """A text to scan: what it is called, its bytes, what is known of it, and whether it is a binary."""

    path: str
    data: bytes
    version: Version | None = None
    binary: bool = False


class _Name(NamedTuple):
    """A name of context detectors; `gate` is what must stand near it for any of them to match."""

    pattern: re.Pattern[bytes]
    length: int
    gate: re.Pattern[bytes] | None
    width: int
    reach: int


class Matcher:
    """The detectors of a scan over one blob at a time; keeps no text but a bounded memory of windows."""

    def __init__(self, rules: Rules, engine: Engine) -> None:
        self._rules = rules
        self._engine = engine
        self._targets = rules.targets
        self._memory: dict[tuple[int, int, bytes], list[Match]] = {}
        self._names: dict[int, _Name] = {}

    def warm(self) -> None:
        """Compile what most scans need, once, before workers are forked; from here on it is kept."""
        kept_patterns.use()
        for path in ("a.py", "a.yml", "a.sh", "a.txt"):
            self.scan(path, SAMPLE)

    def scan(
        self, path: str, data: bytes, *, binary: bool = False, version: Version | None = None
    ) -> list[Match]:
        """Return the matches in `data`, ordered by place, none over another; `path` tells the format."""
        (hits,) = versions.hits(self._engine.hits, [data], [version], self._rules.width)
        return self._matches(Text(path, data, version, binary), hits)

    def scan_many(self, texts: Sequence[Text]) -> Iterator[list[Match]]:
        """Yield what `scan` returns for each of `texts`; the engine searches them all at once.

        The base of a version is one of the texts before it, or was searched before.
        """
        found = versions.hits(
            self._engine.hits, [t.data for t in texts], [t.version for t in texts], self._rules.width
        )
        for text, hits in zip(texts, found, strict=True):
            yield self._matches(text, hits)

    def _matches(self, text: Text, hits: list[tuple[int, int]]) -> list[Match]:
        path, data, version, binary = text
        found, triggers = self._look(data, hits, encoded=True) if hits else ([], [])
        if any(m.detector.kind == "context" for m in found):
            from strongroom.scanner import surroundings  # noqa: PLC0415 (few files have such a value)

            found = surroundings.settled(path, data, found)
        if binary:
            for start, part, near in _surroundings(data, triggers):
                found += [self._generic(c, start) for c in generic_stage.find(path, part, near)]
        elif version:
            found += [
                self._generic(c, 0) for c in generic_stage.find_in_version(path, data, triggers, version)
            ]
            version.settle()
        else:
            found += [self._generic(c, 0) for c in generic_stage.find(path, data, triggers)]
        return without_overlaps(found)

    def _generic(self, candidate: Candidate, offset: int) -> Match:
        """A generic candidate as a match: its score makes the confidence."""
        d = self._rules.generic(candidate.detector)
        sure = candidate.score
        confidence = (
            d.confidence if sure >= SURE else "medium" if sure >= LIKELY and d.confidence != "low" else "low"
        )
        return Match(
            d,
            candidate.start + offset,
            candidate.end + offset,
            candidate.secret,
            confidence,
            d.severity,
            sure,
            candidate.reasons,
            candidate.name,
        )

    def _look(
        self, data: bytes, hits: list[tuple[int, int]], *, encoded: bool
    ) -> tuple[list[Match], list[tuple[int, int]]]:
        """Return what the specific detectors find at `hits`, and those of the generic triggers."""
        found: list[Match] = []
        triggers: list[tuple[int, int]] = []
        done: dict[int, int] = {}
        runs: set[int] = set()
        targets = self._targets
        for index, end in hits:
            what, numbers = targets[index]
            if what == plan.TRIGGER:
                triggers.append((numbers[0], end))
            elif what == plan.NAME:
                found += self._named(index, numbers, data, end)
            elif what == plan.BASE64:
                if encoded:
                    found += self._in_base64(data, end, runs)
            elif end > done.get(numbers[0], 0):
                found += self._shaped(what, numbers, data, end, done)
        return found, triggers

    def _shaped(
        self, what: int, numbers: tuple[int, ...], data: bytes, end: int, done: dict[int, int]
    ) -> Iterable[Match]:
        """Confirm a precise detector around a hit that ends at `end`."""
        number, lead = numbers
        rule = self._rules.rule(number)
        low = max(end - (lead if what == plan.PRECISE else lead + rule.reach) - 1, done.get(number, 0), 0)
        high = end + rule.reach + 1
        matches, seen = self._confirmed(number, data, (low, end, high))
        if seen:
            done[number] = max(seen, end)
        return matches

    def _confirmed(self, number: int, data: bytes, window: tuple[int, int, int]) -> tuple[list[Match], int]:
        """Run the exact pattern from `low` to `high` for a match that begins before `end`.

        Returns matches and where the last one ends (0: none). The text is cut out with one
        byte before it, so that equal texts have equal answers.
        """
        low, end, high = window
        margin = min(low, 1)
        base = low - margin
        text = data[base:high]
        key = (number, end - base, text)
        remembered = self._memory.get(key)
        if remembered is None:
            rule = self._rules.rule(number)
            spans = confirm.spans(rule, text, margin, len(text), end - base)
            remembered = [m for span in spans if (m := confirm.match(rule, text, *span)) is not None]
            self._remember(key, remembered)
        moved = [m._replace(start=m.start + base, end=m.end + base) for m in remembered]
        return moved, moved[-1].end if moved else 0

    def _remember(self, key: tuple[int, int, bytes], matches: list[Match]) -> None:
        if len(self._memory) >= _MEMORY:
            self._memory.clear()
        self._memory[key] = matches

    def _named(self, index: int, numbers: tuple[int, ...], data: bytes, end: int) -> Iterator[Match]:
        """Confirm the context detectors of a name that ends at `end` or a little before."""
        name = self._names.get(index) or self._name(index)
        if name.gate and not name.gate.search(data, end - context.FOLLOW, end + NAME_REACH + name.width):
            return
        base = max(0, end - name.length - context.FOLLOW - 1)
        text = data[base : end + NAME_REACH + name.reach]
        key = (-1 - index, end - base, text)
        remembered = self._memory.get(key)
        if remembered is None:
            remembered = list(self._spoken_of(name, numbers, text.translate(PRINTABLE), end - base))
            self._remember(key, remembered)
        for match in remembered:
            yield match._replace(start=match.start + base, end=match.end + base)

    def _spoken_of(self, name: _Name, numbers: tuple[int, ...], text: bytes, end: int) -> Iterator[Match]:
        """The matches of a name's detectors in the text around it."""
        span = (-1, -1)
        for found in name.pattern.finditer(text, 0, end):
            span = found.span()
        if span[0] < 0 or not context.is_word(text, *span):
            return
        for number in numbers:
            rule = self._rules.rule(number)
            for low, high in context.values(rule.pattern, text, span[1], rule.reach):
                match = confirm.match(rule, text, low, high)
                if match is not None:
                    yield match._replace(score=1 - (low - span[1]) / 1000)

    def _name(self, index: int) -> _Name:
        text, gate, width = self._rules.name(index)
        longest = max(self._rules.rule(number).reach for number in self._targets[index][1])
        made = self._names[index] = _Name(
            compiled(f"(?i){text}".encode()),
            len(text),
            compiled(gate.encode()) if gate else None,
            width,
            min(longest, context.LONG_VALUE) + 2,
        )
        return made

    def _in_base64(self, data: bytes, end: int, runs: set[int]) -> Iterator[Match]:
        """Decode the run of base64 around a hit and look for precise secrets in it."""
        before = _BASE64_BEFORE.search(data, max(0, end - 1024), end)
        run = _BASE64_RUN.match(data, before.start() if before else end, end + _LONGEST_BASE64)
        if run is None or run.start() in runs:
            return
        runs.add(run.start())
        text = run[0].translate(bytes.maketrans(b"-_", b"+/"))
        for shift in range(4):
            part = text[shift:]
            decoded = b64decode(part[: len(part) // 4 * 4])
            matches = [
                m
                for m in self._look(decoded, self._engine.hits(decoded), encoded=False)[0]
                if m.detector.kind == "precise"
            ]
            for match in matches:
                first = run.start() + shift + match.start // 3 * 4
                last = min(run.end(), run.start() + shift + -(-match.end // 3) * 4)
                yield match._replace(start=first, end=last, reasons=(*match.reasons, "stands in base64"))
            if matches:
                return


def _surroundings(
    data: bytes, hits: list[tuple[int, int]]
) -> Iterator[tuple[int, bytes, list[tuple[int, int]]]]:
    """The printable text around generic hits in a binary, with the hits in it: (offset, text, hits)."""
    waiting: list[tuple[int, int]] = []
    for hit in sorted(hits, key=lambda hit: hit[1]):
        if waiting and hit[1] - waiting[-1][1] > AROUND:
            yield _cut(data, waiting)
            waiting = []
        waiting.append(hit)
    if waiting:
        yield _cut(data, waiting)


def _cut(data: bytes, hits: list[tuple[int, int]]) -> tuple[int, bytes, list[tuple[int, int]]]:
    start = max(0, hits[0][1] - AROUND)
    text = data[start : hits[-1][1] + AROUND].translate(PRINTABLE)
    return start, text, [(trigger, end - start) for trigger, end in hits]


def _weight(match: Match) -> tuple[int, int, int, float, str]:
    """How strong a claim a match has on its place."""
    return (
        KIND_RANK[match.detector.kind],
        CONFIDENCE_RANK[match.confidence],
        match.end - match.start,
        match.score,
        match.detector.id,
    )


def without_overlaps(matches: list[Match]) -> list[Match]:
    """Keep the strongest of matches that overlap: precise before context before generic."""
    if len(matches) < 2:
        return matches
    kept: list[Match] = []
    for match in sorted(matches, key=lambda m: (m.start, m.end)):
        while kept and kept[-1].end > match.start and _weight(kept[-1]) < _weight(match):
            kept.pop()
        if not kept or kept[-1].end <= match.start:
            kept.append(match)
    return kept
