"""Sends findings to the server: fingerprints and places. Secrets and excerpts stay here."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from strongroom.cli.client import Client

BATCH = 100
MAX_PLACES = 200
MAX_TEXT = 1000
SENT = ("detector", "fingerprint", "name", "severity", "confidence", "validity", "advice", "docs", "playbook")
PLACE = ("path", "inside", "line", "column", "commit", "author", "email", "date", "field", "owners")
PATH = "findings/report"


class Scanned(NamedTuple):
    """What was scanned: its name, whether the public sees it, and how much of it was read."""

    source: str
    coverage: str = "part"
    public: bool = False


class Sent(NamedTuple):
    """What the server made of it."""

    findings: int = 0
    new: int = 0
    reopened: int = 0
    gone: int = 0
    incidents: tuple[str, ...] = ()


def send(client: Client, findings: Iterable[Mapping[str, Any]], scanned: Scanned) -> Sent:
    """Send in batches; the last one says what the scan covered. Raises Refused, Failure."""
    scan = secrets.token_hex(8)
    total = Sent()
    for batch, last in _batches(stripped(each) for each in findings):
        body = {
            "source": scanned.source[:500],
            "scan": scan,
            "public": scanned.public,
            "coverage": scanned.coverage if last else "part",
            "findings": batch,
        }
        told = client.request("POST", PATH, body).body["data"]
        incidents = {each["incident"] for each in told["listed"] if each["incident"]}
        total = Sent(
            total.findings + told["findings"],
            total.new + told["new"],
            total.reopened + told["reopened"],
            total.gone + told["gone"],
            tuple(sorted({*total.incidents, *incidents}, key=int)),
        )
    return total


def stripped(finding: Mapping[str, Any]) -> dict[str, Any]:
    """What of a finding's record may leave this machine."""
    made: dict[str, Any] = {name: _text(finding[name]) for name in SENT if finding.get(name)}
    reach = finding.get("reach")
    if isinstance(reach, dict):
        made["reach"] = {_text(name)[:200]: _text(value) for name, value in list(reach.items())[:20]}
    known = finding.get("known")
    if isinstance(known, list):
        made["known"] = [_text(row)[:200] for row in known[:50]]
    places = finding.get("occurrences")
    places = [place for place in places if isinstance(place, dict)] if isinstance(places, list) else []
    made["occurrences"] = [_place(place) for place in places[:MAX_PLACES]]
    unlisted = finding.get("unlisted")
    more = unlisted if isinstance(unlisted, int) and unlisted > 0 else 0
    made["unlisted"] = more + max(0, len(places) - MAX_PLACES)
    return made


def told(sent: Sent) -> str:
    """One line for people."""
    parts = [f"{sent.findings:,} reported", f"{sent.new:,} new"]
    parts += [f"{sent.reopened:,} opened again"] if sent.reopened else []
    parts += [f"{sent.gone:,} no longer there"] if sent.gone else []
    parts += [f"incident {', '.join(sent.incidents)}"] if sent.incidents else []
    return ", ".join(parts)


def _place(place: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name in PLACE:
        value = place.get(name)
        if isinstance(value, list):
            made[name] = [_text(each) for each in value[:20]]
        elif isinstance(value, int) and not isinstance(value, bool):
            made[name] = max(0, value)
        elif value:
            made[name] = _text(value)[: LIMITS.get(name, MAX_TEXT)]
    return made


LIMITS = {"commit": 128, "author": 300, "email": 300, "date": 40, "field": 300, "path": 1000}


def _text(value: object) -> str:
    """Text of bounded length that JSON can carry."""
    return str(value)[:MAX_TEXT].encode("utf-8", "replace").decode()


def _batches(findings: Iterable[dict[str, Any]]) -> Iterator[tuple[list[dict[str, Any]], bool]]:
    """Lists of a bounded size, the last one marked; one empty list where there is nothing."""
    waiting: list[dict[str, Any]] = []
    for finding in findings:
        if len(waiting) == BATCH:
            yield waiting, False
            waiting = []
        waiting.append(finding)
    yield waiting, True
