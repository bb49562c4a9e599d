"""What people do with a finding: take it on, put it to rest, say whose it is and how bad it is."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from strongroom.errors import InvalidRequest
from strongroom.findings.record import Finding, State
from strongroom.framework import Fields, Seconds

NEXT: Mapping[State, frozenset[State]] = {
    "open": frozenset({"triaged", "in_progress", "resolved", "ignored", "false_positive"}),
    "triaged": frozenset({"open", "in_progress", "resolved", "ignored", "false_positive"}),
    "in_progress": frozenset({"open", "triaged", "resolved", "ignored", "false_positive"}),
    "resolved": frozenset({"open"}),
    "ignored": frozenset({"open", "triaged", "in_progress", "false_positive", "ignored"}),
    "false_positive": frozenset({"open"}),
}
REASONED: frozenset[State] = frozenset({"ignored", "false_positive"})
Note = Annotated[str, Meta(max_length=1000)]


class Change(Fields, frozen=True):
    """What to change; what is not sent stays. `severity` "" gives it back to the facts."""

    id: str
    state: State | UnsetType = UNSET
    reason: Note = ""
    ttl: Seconds = 0
    assignee: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    severity: Literal["", "low", "medium", "high", "critical"] | UnsetType = UNSET
    note: Note = ""


def apply(finding: Finding, change: Change, who: str, now: float) -> None:
    """Carry a change out, with its lines in the timeline. Raises InvalidRequest for one that cannot be."""
    for text in (change.reason, change.note, change.assignee or ""):
        if not text.replace("\n", " ").isprintable():
            raise InvalidRequest("notes, reasons and names are printable text")
    if change.state is not UNSET:
        move(finding, change.state, who, now, reason=change.reason, ttl=change.ttl)
    if change.assignee is not UNSET:
        finding.assignee = change.assignee
        finding.note(now, who, "assigned", change.assignee or "nobody")
    if change.severity is not UNSET:
        finding.by_hand = bool(change.severity)
        if change.severity:
            finding.severity = change.severity
        finding.note(now, who, "severity", change.severity or "as the facts say")
    if change.note:
        finding.note(now, who, "note", change.note)


def move(finding: Finding, state: State, who: str, now: float, *, reason: str = "", ttl: int = 0) -> None:
    """Put a finding into another state. Raises InvalidRequest for a step that there is not."""
    if state not in NEXT[finding.state]:
        ways = ", ".join(sorted(NEXT[finding.state]))
        raise InvalidRequest(f"a finding that is {finding.state} can become {ways}")
    if state in REASONED and not reason.strip():
        raise InvalidRequest(f"say why it is {state}: 'reason'")
    if ttl and state != "ignored":
        raise InvalidRequest("only an ignored finding has a 'ttl'")
    finding.state = state
    finding.why = reason if state in REASONED else ""
    finding.until = now + ttl if ttl else 0
    finding.resolved = now if state == "resolved" else 0
    finding.note(now, who, state, reason)
