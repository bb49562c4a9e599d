"""What the engines look for, and what a hit means.

A plan is plain data (it is cached with `marshal`): expressions for the
database and, at the same index, the target that a hit leads to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from strongroom.scanner import confirm, context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.scanner.detector import Detector

# A target is (what, numbers…): PRECISE (detector, lead) · KEYWORD (detector, length) ·
# NAME (detectors…) · BASE64 () · TRIGGER (index)
PRECISE, KEYWORD, NAME, BASE64, TRIGGER = range(5)

Target = tuple[int, tuple[int, ...]]


class Plan:
    """Expressions and targets, one to one; equal expressions stand once per target.

    `near` are the names whose value is a run that regions.py can tell.
    """

    def __init__(self) -> None:
        self.expressions: list[str] = []
        self.targets: list[Target] = []
        self.names: dict[int, tuple[str, str, int]] = {}
        self.near: set[int] = set()

    def add(self, expression: str, what: int, *numbers: int) -> None:
        """Add one thing to look for."""
        self.expressions.append(expression)
        self.targets.append((what, numbers))


def make(detectors: Sequence[Detector], triggers: Sequence[str], *, literals: bool) -> Plan:
    """Plan the search for all detectors and generic triggers.

    `literals` leaves out what only Hyperscan can look for: then every
    expression but the triggers is a literal (KEYWORD, BASE64) or a name.
    """
    plan = Plan()
    for number, d in enumerate(detectors):
        if d.pattern:
            _precise(plan, number, d, literals=literals)
    for pattern, numbers in _names(detectors).items():
        plan.add(f"(?i){pattern}" if literals else context.scan_pattern(pattern), NAME, *numbers)
        index = len(plan.targets) - 1
        values = [detectors[n].value for n in numbers]
        plan.names[index] = (pattern, *context.gate(values))
        if all(context.stands_in_run(value) for value in values):
            plan.near.add(index)
    for text in _encoded(detectors, literals=literals):
        plan.add(re.escape(text) if literals else text, BASE64)
    for index, pattern in enumerate(triggers):
        plan.add(pattern, TRIGGER, index)
    return plan


def _names(detectors: Sequence[Detector]) -> dict[str, list[int]]:
    """The names of context detectors, each once, with the detectors it leads to."""
    names: dict[str, list[int]] = {}
    for number, d in enumerate(detectors):
        for pattern in dict.fromkeys(map(context.name_pattern, d.names)):
            names.setdefault(pattern, []).append(number)
    return names


def _encoded(detectors: Sequence[Detector], *, literals: bool) -> list[str]:
    """What the keywords of precise detectors look like in base64."""
    from strongroom.scanner import prefilter  # noqa: PLC0415 (only when no compiled rules are cached)

    keywords = {k.encode() for d in detectors if not d.pattern.startswith("(?i)") for k in d.keywords}
    return sorted({text for keyword in keywords for text in prefilter.in_base64(keyword, literals=literals)})


def _precise(plan: Plan, number: int, d: Detector, *, literals: bool) -> None:
    from strongroom.scanner import prefilter  # noqa: PLC0415 (only when no compiled rules are cached)

    if d.scan and not literals:
        plan.add(d.scan, KEYWORD, number, confirm.reach(d.scan))
        return
    short = not d.keywords or min(map(len, d.keywords)) < prefilter.SHORT_KEYWORD
    cut = None if literals else prefilter.cut(d.pattern, d.keywords)
    if cut is not None:
        plan.add(cut.expression, PRECISE, number, cut.lead)
    elif short and not literals:
        plan.add(d.pattern, PRECISE, number, confirm.reach(d.pattern))
    else:
        caseless = "(?i)" if d.pattern.startswith("(?i)") else ""
        for keyword in d.keywords:
            plan.add(caseless + re.escape(keyword), KEYWORD, number, len(keyword))
