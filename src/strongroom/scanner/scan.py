"""A scan: source → decode → match → findings, in one chain, over one worker per core."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from strongroom.scanner import kept_patterns, workers
from strongroom.scanner.blob import PRINTABLE, line_ends
from strongroom.scanner.decode import expand, gather
from strongroom.scanner.finding import Finding, Match, Occurrence, Report
from strongroom.scanner.fingerprint import PUBLIC_KEY, fingerprint
from strongroom.scanner.limits import Limits
from strongroom.scanner.matcher import Matcher, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Protocol, TypeGuard

    from strongroom.scanner.blob import Blob, Provenance, Source, Version
    from strongroom.scanner.rules import Rules

    class Finder(Protocol):
        """What finds the secrets of one blob: a Matcher, or another tool's rules."""

        def scan(
            self, path: str, data: bytes, *, binary: bool = False, version: Version | None = None
        ) -> list[Match]:
            """Return the matches in `data`, ordered by place, none over another."""
            ...

    class Grouping(Finder, Protocol):
        """A finder that searches many texts at once."""

        def warm(self) -> None:
            """Compile what most scans need, once, before workers are forked."""
            ...

        def scan_many(self, texts: Sequence[Text]) -> Iterator[list[Match]]:
            """Yield what `scan` returns for each of `texts`."""
            ...

    Progress = Callable[[int, int], None]

HEAD = 512  # bytes from a line's start kept for reports
EXCERPT = 320  # longest excerpt around a secret
LISTED = 1000  # occurrences listed for one finding
STEP = 0.2  # seconds between two reports of progress
HELD = 31 << 20  # bytes of a block that the C library takes from what was freed, not from the system


class Options(NamedTuple):
    """How to scan. `key` makes fingerprints; `progress` is told (blobs, bytes) so far."""

    jobs: int = 1
    limits: Limits = Limits()
    key: bytes = PUBLIC_KEY
    progress: Progress | None = None


class Batch(NamedTuple):
    """What a worker reports now and then: hits, warnings and how much it has read."""

    hits: list[tuple[str, Match, Occurrence]]
    warnings: list[str]
    blobs: int
    size: int


def scan(source: Source, rules: Rules | Finder, options: Options = Options()) -> Report:
    """Scan `source` with `rules`. What cannot be read is a warning in the report, never an error."""
    started = time.monotonic()
    bytes(HELD)  # glibc learns from a block that is freed (mallopt(3), M_MMAP_THRESHOLD); it is never touched
    report = Report()
    matcher = rules if hasattr(rules, "scan") else Matcher(rules, rules.engine())
    shards = source.shards(options.jobs)
    if len(shards) > 1 and can_group(matcher):
        matcher.warm()
    tasks = [partial(_work, source, shard, matcher, options.limits) for shard in shards]
    parts: list[list[tuple[str, Match, Occurrence]]] = [[] for _ in tasks]
    early = len(source.warnings)
    report.warnings += source.warnings
    for number, batch in workers.run(tasks, partial(_lost, report)):
        parts[number] += batch.hits
        report.warnings += batch.warnings
        report.blobs += batch.blobs
        report.size += batch.size
        if options.progress:
            options.progress(report.blobs, report.size)
    del source.warnings[early:]
    report.findings = _findings(source, [hit for part in parts for hit in part], options.key)
    report.seconds = time.monotonic() - started
    return report


def can_group(matcher: Finder) -> TypeGuard[Grouping]:
    """Whether a finder searches many texts at once."""
    return hasattr(matcher, "scan_many")


def _lost(report: Report, number: int) -> None:
    report.warnings.append(f"worker {number + 1} ended early: its part of the scan is missing")


def _work(
    source: Source, shard: Callable[[], Iterator[Blob]], matcher: Finder, limits: Limits
) -> Iterator[Batch]:
    """Scan one part; yields batches a few times a second."""
    hits: list[tuple[str, Match, Occurrence]] = []
    warnings: list[str] = []
    blobs = size = 0
    told = len(source.warnings)
    due = time.monotonic() + STEP
    for group in gather(shard(), together=can_group(matcher)):
        for blob in group:
            blobs += not blob.own  # a later piece of a file is no file of its own
            size += len(blob.data) if blob.own_end < 0 else blob.own_end - blob.own
        hits += _look_at(matcher, group, limits, source.warnings.append, warnings)
        if time.monotonic() >= due:
            yield Batch(hits, warnings + source.warnings[told:], blobs, size)
            hits, warnings, blobs, size, told = [], [], 0, 0, len(source.warnings)
            due = time.monotonic() + STEP
    kept_patterns.keep()
    yield Batch(hits, warnings + source.warnings[told:], blobs, size)


def _look_at(
    matcher: Finder, group: list[Blob], limits: Limits, warn: Callable[[str], None], warnings: list[str]
) -> list[tuple[str, Match, Occurrence]]:
    """Scan a group of plain texts at once, or one blob of any kind."""
    if len(group) > 1 and can_group(matcher):
        try:
            return _look_at_texts(matcher, group)
        except Exception:
            for blob in group:  # one of them is to blame: each is told apart
                blob.version = None
    hits: list[tuple[str, Match, Occurrence]] = []
    for blob in group:
        try:
            for part in expand(blob, limits, warn):
                hits += look(matcher, part)
        except Exception as error:
            warnings.append(f"{blob.provenance.shown}: not scanned to its end ({type(error).__name__})")
    return hits


def _look_at_texts(matcher: Grouping, group: list[Blob]) -> list[tuple[str, Match, Occurrence]]:
    hits: list[tuple[str, Match, Occurrence]] = []
    texts = [Text(blob.provenance.name, blob.data, blob.version) for blob in group]
    for blob, matches in zip(group, list(matcher.scan_many(texts)), strict=True):
        if matches:
            hits += _placed(blob, blob.data, matches)
    return hits


def look(matcher: Finder, blob: Blob) -> Iterable[tuple[str, Match, Occurrence]]:
    """Return (blob id, match, occurrence) for the secrets that `blob` owns."""
    data = bytes(blob.data)
    found = matcher.scan(blob.provenance.name, data, binary=blob.binary, version=blob.version)
    if not found:
        return ()
    return _placed(blob, data.translate(PRINTABLE) if blob.binary else data, found)


def _placed(blob: Blob, data: bytes, found: list[Match]) -> Iterator[tuple[str, Match, Occurrence]]:
    """Tell where the matches in `data` stand that `blob` owns."""
    end = len(data) if blob.own_end < 0 else blob.own_end
    line, counted = -1, 0
    for number, match in enumerate(found):
        if not blob.own <= match.start < end:
            continue
        if line < 0:
            line = blob.line()
        line += line_ends(data, counted, match.start)
        counted = match.start
        place = _occurrence(blob, data, match, line)
        first = match.start - place.mark
        yield blob.id, match, place._replace(also=_also(found, number, first, first + len(place.excerpt)))


def _also(found: list[Match], number: int, first: int, last: int) -> tuple[tuple[int, int], ...]:
    """Where other secrets stand in the excerpt data[first:last] of one: no report may show them."""
    near: list[Match] = []
    for step in (-1, 1):
        at = number + step
        while 0 <= at < len(found) and found[at].end > first and found[at].start < last:
            near.append(found[at])
            at += step
    return tuple((max(0, m.start - first), min(last, m.end) - first) for m in near)


def _occurrence(blob: Blob, data: bytes, match: Match, line: int) -> Occurrence:
    """Note where a match stands; `line` is how many lines end before it."""
    from strongroom.scanner.suppress import markers  # noqa: PLC0415 (a hook that finds nothing does without)

    line_start = data.rfind(b"\n", 0, match.start) + 1
    first = max(line_start, match.start - EXCERPT // 2)
    line_end = data.find(b"\n", match.end)
    last = min(len(data) if line_end < 0 else line_end, match.end + EXCERPT // 2)
    last = max(match.end, min(last, first + EXCERPT)) if match.end - match.start < EXCERPT else match.end
    inner = data.count(b"\n", match.start, match.end)
    end_start = data.rfind(b"\n", match.start, match.end) + 1 if inner else line_start
    return Occurrence(
        blob.provenance,
        blob.id,
        blob.offset + match.start,
        blob.offset + match.end,
        line + 1,
        match.start - line_start + 1,
        line + inner + 1,
        match.end - end_start + 1,
        data[first:last],
        match.start - first,
        match.end - first,
        data[line_start : line_start + HEAD],
        match.name,
        allow=markers.find(data, match.start, match.end),
    )


def _findings(source: Source, hits: list[tuple[str, Match, Occurrence]], key: bytes) -> list[Finding]:
    """Group the hits by detector and secret, with every place of each, in a fixed order."""
    found: dict[tuple[str, bytes], Finding] = {}
    prints: dict[bytes, str] = {}
    places = source.trace({id for id, _, _ in hits if id})
    for id, match, occurrence in hits:
        if match.secret not in prints:
            prints[match.secret] = fingerprint(match.secret, key)
        finding = found.get((match.detector.id, match.secret))
        if finding is None:
            finding = found[match.detector.id, match.secret] = Finding(match, prints[match.secret])
        finding.occurrences += _everywhere(occurrence, places.get(id))
    for finding in found.values():
        finding.settle(LISTED)
    return sorted(found.values(), key=Finding.order)


def _everywhere(occurrence: Occurrence, places: list[Provenance] | None) -> list[Occurrence]:
    """The occurrence at each place of its blob, with the members it was found in."""
    if not places:
        return [occurrence]
    inside = occurrence.provenance.inside
    return [occurrence._replace(provenance=place._replace(inside=inside)) for place in places]
