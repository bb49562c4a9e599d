"""GitLab's code quality report: its merge request widget is in every tier."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from strongroom.scanner.reports import records

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.finding import Finding, Occurrence, Report
    from strongroom.scanner.reports import Style

SEVERITY = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor"}


def render(report: Report, stream: TextIO, style: Style) -> None:
    """Write one list of places."""
    places = [
        {
            "description": f"{found.detector.name} ({found.masked}){_state(found)}. {found.detector.advice}",
            "check_name": found.detector.id,
            "fingerprint": _fingerprint(found, place, style),
            "severity": SEVERITY[found.severity],
            "location": {
                "path": records.relative(place, style),
                "lines": {"begin": place.line, "end": place.end_line},
            },
        }
        for found, place in records.rows(report)
    ]
    json.dump(places, stream, ensure_ascii=False, indent=2)
    stream.write("\n")


def _state(found: Finding) -> str:
    return "" if found.validity == "unknown" else f", {found.validity}"


def _fingerprint(found: Finding, place: Occurrence, style: Style) -> str:
    """One for each place that stays when the line moves."""
    where = f"{found.detector.id}\0{found.fingerprint}\0{records.relative(place, style)}\0{place.name}"
    return hashlib.sha256(f"{where}\0{'!'.join(place.provenance.inside)}".encode()).hexdigest()[:40]
