"""Why each candidate in a text is or is not reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from strongroom.scanner import confirm, generic
from strongroom.scanner.finding import mask
from strongroom.scanner.generic_assign import Cursor, assignments
from strongroom.scanner.generic_judge import Verdict, judge, judge_shape
from strongroom.scanner.generic_language import place_of
from strongroom.scanner.generic_shapes import shapes
from strongroom.scanner.matcher import Matcher
from strongroom.scanner.surroundings import elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.scanner.finding import Match
    from strongroom.scanner.rules import Rules


class Explanation(NamedTuple):
    """One candidate: which detector looked at it, whether it is reported, how sure, and why."""

    detector: str
    reported: bool
    start: int
    end: int
    masked: str
    score: float
    reasons: tuple[str, ...]


def explain(rules: Rules, path: str, data: bytes) -> list[Explanation]:
    """Explain every candidate in `data`, ordered by place; `path` may be ""."""
    reported = {(m.detector.id, m.start): m for m in Matcher(rules, rules.engine()).scan(path, data)}
    found = [
        Explanation(m.detector.id, True, m.start, m.end, mask(m.secret), m.score, m.reasons)
        for m in reported.values()
    ]
    others = (*_specific(rules, path, data, list(reported.values())), *_generic(path, data))
    found += [other for other in others if (other.detector, other.start) not in reported]
    return sorted(set(found), key=lambda e: (e.start, not e.reported, e.detector))


_CLAIMED = "a stronger detector claims the same text"


def _specific(rules: Rules, path: str, data: bytes, matches: list[Match]) -> Iterator[Explanation]:
    """What precise and context detectors saw and did not report."""
    for number in range(len(rules)):
        rule = rules.rule(number)
        if rule.detector.kind == "generic":
            continue
        for start, end in confirm.every_span(rule, data):
            secret = data[start:end]
            verdict, reason = confirm.judge(rule, secret)
            claimed = any(m.start < end and start < m.end for m in matches)
            passed_by = _CLAIMED if claimed else "no name of the provider stands where it is looked for"
            if verdict != "no":
                context = rule.detector.kind == "context"
                reason = (context and elsewhere(rule.detector.id, path, data, (start, end))) or passed_by
            yield Explanation(rule.detector.id, False, start, end, mask(secret), 0.0, (reason,))


def _generic(path: str, data: bytes) -> Iterator[Explanation]:
    """What the generic stage saw and did not report."""
    place, cursor = place_of(path), Cursor()
    for trigger, end in sorted(generic.hits(data), key=lambda hit: hit[1]):
        if generic.TRIGGERS[trigger].name == "assign":
            for found in assignments(data, end, place, cursor):
                yield _seen(judge(found, data, place), "generic.assignment", found.start, found.end, data)
        else:
            for shaped in shapes(data, end, set()):
                kind = shaped.shape.detector
                yield _seen(judge_shape(shaped, data, place), kind, shaped.start, shaped.end, data)


def _seen(verdict: Verdict, kind: str, start: int, end: int, data: bytes) -> Explanation:
    reasons = verdict.reasons
    if verdict.accepted:
        reasons = (*reasons, "a stronger detector or a file format claims the same text")
    return Explanation(
        verdict.detector or kind, False, start, end, mask(data[start:end]), verdict.score, reasons
    )
