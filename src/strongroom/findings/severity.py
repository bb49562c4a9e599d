"""How urgent a finding is, with the reasons: what the detector says, moved by what is known."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from strongroom.findings.record import SEVERITIES, Severity, Validity

SENSITIVE = frozenset({"restricted", "secret", "confidential", "high"})
HARMLESS = frozenset({"public", "low"})
PRODUCTION = frozenset({"prod", "production", "live"})
PRACTICE = frozenset({"dev", "development", "test", "testing", "sandbox", "staging", "stage", "ci"})
PRIVILEGED = ("admin", "root", "owner", "superuser", "full_access", "sudo", "write:org", "*")


class Known(NamedTuple):
    """What is known of a leaked secret. `held` names the living versions of ours that it is.

    `facts` are the inventory's: classification, environment. `reach` is what a live check told.
    """

    reported: Severity
    confidence: str = "medium"
    validity: Validity = "unknown"
    public: bool = False
    held: tuple[str, ...] = ()
    retired: bool = False
    facts: tuple[Mapping[str, str], ...] = ()
    reach: Mapping[str, str] = {}


class Weighed(NamedTuple):
    """A severity and what made it."""

    severity: Severity
    reasons: tuple[str, ...]


def weigh(known: Known) -> Weighed:
    """Judge a finding. What no longer works is low, whatever else holds."""
    reasons = [f"the detector says {known.reported}"]
    harmless = _harmless(known)
    if harmless:
        return Weighed("low", (*reasons, harmless))
    rank = SEVERITIES.index(known.reported)
    for step, reason in _moves(known):
        rank += step
        reasons.append(f"{reason} ({'+' if step > 0 else '-'})" if step else reason)
    return Weighed(SEVERITIES[min(max(rank, 0), len(SEVERITIES) - 1)], tuple(reasons))


def _harmless(known: Known) -> str:
    if known.validity == "dead":
        return "its provider says that it no longer works"
    if known.validity == "canary":
        return "it is a canary: its use raises an alarm"
    if known.retired and not known.held:
        return "it was a value of this vault and has been retired"
    return ""


def _moves(known: Known) -> Iterator[tuple[int, str]]:
    """Each fact with the step it moves the severity by."""
    if known.validity == "live":
        yield 1, "its provider says that it works"
    for name in known.held[:3]:
        yield 1, f"it is {name}, which is in use"
    if known.public:
        yield 1, "it is where the public can see it"
    yield from _moved_by_facts(known.facts)
    mighty = sorted(name for name, value in known.reach.items() if _privileged(name, value))
    if mighty:
        yield 1, f"it reaches far: {', '.join(mighty)}"
    if known.confidence == "low":
        yield -1, "it may be no secret"


def _moved_by_facts(facts: tuple[Mapping[str, str], ...]) -> Iterator[tuple[int, str]]:
    classes = {each.get("classification", "").lower() for each in facts} - {""}
    places = {each.get("environment", "").lower() for each in facts} - {""}
    if classes & SENSITIVE:
        yield 1, f"classification {', '.join(sorted(classes & SENSITIVE))}"
    elif classes and classes <= HARMLESS:
        yield -1, f"classification {', '.join(sorted(classes))}"
    if places & PRODUCTION:
        yield 1, "environment production"
    elif places and places <= PRACTICE:
        yield -1, f"environment {', '.join(sorted(places))}"


def _privileged(name: str, value: str) -> bool:
    words = f"{name} {value}".lower().replace(",", " ").split()
    return any(word == sign or (len(sign) > 1 and sign in word) for word in words for sign in PRIVILEGED)
