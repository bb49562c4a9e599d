"""Checks a detector against its own examples: `strongroom detectors test` and the test of all files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from strongroom.errors import InvalidRequest
from strongroom.scanner import confirm, context
from strongroom.scanner.checksums import CHECKSUMS
from strongroom.scanner.examples import draw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.scanner.confirm import Rule
    from strongroom.scanner.detector import Detector


def problems(detector: Detector) -> list[str]:
    """Say all that is wrong with a detector; nothing when it does what its examples say."""
    if detector.checksum and detector.checksum not in CHECKSUMS:
        return [f"unknown checksum `{detector.checksum}`; known: {', '.join(sorted(CHECKSUMS))}"]
    if detector.kind == "generic":
        return _generic_problems(detector)
    rule = confirm.rule(detector)
    found = [f"has {len(e)} {key}; at least two" for key, e in _examples(detector) if len(e) < 2]
    try:
        found += engine_problems(detector)
        for number, text in enumerate(detector.matches, 1):
            found += _positive(rule, draw(text, f"{detector.id}+{number}").encode(), text)
        for number, text in enumerate(detector.non_matches, 1):
            if fires(rule, draw(text, f"{detector.id}-{number}").encode()):
                found.append(f"fires on the non-match {text!r}")
    except InvalidRequest as error:
        found.append(str(error))
    return found


def _generic_problems(detector: Detector) -> list[str]:
    """Generic detectors are code: their examples show that it still finds and leaves what they say."""
    from strongroom.scanner import generic  # noqa: PLC0415 (a detector file has no use for it)

    found = []
    for key, examples in _examples(detector):
        for number, text in enumerate(examples, 1):
            data = draw(text, f"{detector.id}{key}{number}").encode()
            fired = any(c.detector == detector.id for c in generic.find("", data, generic.hits(data)))
            if fired != (key == "matches"):
                found.append(f"{'fires on' if fired else 'does not fire on'} {text!r}")
    return found


def _examples(detector: Detector) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "matches", detector.matches
    yield "non_matches", detector.non_matches


def fires(rule: Rule, data: bytes) -> list[bytes]:
    """The secrets that the rule reports in `data` with its own confidence."""
    hits = (confirm.match(rule, data, *span) for span in confirm.every_span(rule, data))
    return [hit.secret for hit in hits if hit is not None and hit.confidence == rule.detector.confidence]


def _positive(rule: Rule, data: bytes, text: str) -> list[str]:
    detector = rule.detector
    if not fires(rule, data):
        return [f"does not fire on the match {text!r}: {_why_not(rule, data)}"]
    if detector.scan and not re.search(detector.scan.encode(), data):
        return [f"`scan` does not occur in the match {text!r}"]
    if detector.keywords:
        for hit in rule.pattern.finditer(data):
            if not any(keyword.encode() in hit[0] for keyword in detector.keywords):
                return [f"no keyword occurs in what the match {text!r} gave"]
    return []


def _why_not(rule: Rule, data: bytes) -> str:
    if rule.detector.kind == "context" and not rule.names.search(data):
        return "no name occurs in it"
    for start, end in confirm.every_span(rule, data):
        return confirm.judge(rule, data[start:end])[1]
    return "the pattern finds nothing"


def engine_problems(detector: Detector) -> list[str]:
    """Say where Hyperscan and `re` disagree over the pattern; nothing where there is no Hyperscan."""
    try:
        import hyperscan  # noqa: PLC0415 (absent on some platforms)
    except ImportError:
        return []
    if detector.kind == "context":
        patterns = [f"(?i){context.name_pattern(name)}" for name in detector.names]
    else:
        patterns = [detector.pattern]
    found = []
    for pattern in patterns:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            database.compile(
                expressions=[pattern.encode()], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_SINGLEMATCH]
            )
        except hyperscan.error as error:
            found.append(f"Hyperscan does not take {pattern!r}: {error}")
            continue
        found += _disagreements(database, re.compile(pattern.encode()), detector)
    return found


def _disagreements(database: Any, exact: re.Pattern[bytes], detector: Detector) -> Iterator[str]:
    for key, examples in _examples(detector):
        for number, text in enumerate(examples, 1):
            data = draw(text, f"{detector.id}{'+' if key == 'matches' else '-'}{number}").encode()
            hits: list[int] = []
            database.scan(
                data, match_event_handler=lambda _id, _from, to, _flags, _ctx, hits=hits: hits.append(to)
            )
            if bool(hits) != (exact.search(data) is not None):
                yield f"Hyperscan and re disagree on {text!r}"
