"""GitLab's secret detection report, schema 15.2.1: `artifacts: reports: secret_detection`.

GitLab shows `raw_source_code_extract` as it is, so it holds the masked secret.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from strongroom.scanner.reports import VERSION, records

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.finding import Finding, Occurrence, Report
    from strongroom.scanner.reports import Style

SCHEMA_VERSION = "15.2.1"
NAME_LIMIT = 255
NO_COMMIT = "0000000"  # the schema wants a commit; a folder has none
_SPACE = uuid.UUID("6f1a2b4e-2f6d-5d53-9c55-0b7c1f0f6f51")


def render(report: Report, stream: TextIO, style: Style) -> None:
    """Write one document; secrets are masked whatever `style` says."""
    style = style._replace(show_secrets=False, redact=-1)
    tool = {"id": "strongroom", "name": "Strongroom", "version": VERSION}
    tool_of_vendor = {**tool, "vendor": {"name": "Strongroom"}}
    document = {
        "version": SCHEMA_VERSION,
        "scan": {
            "analyzer": tool_of_vendor,
            "scanner": tool_of_vendor,
            "start_time": records.stamp(style.now - report.seconds),
            "end_time": records.stamp(style.now),
            "status": "success",
            "type": "secret_detection",
            "messages": [{"level": "warn", "value": text} for text in report.warnings],
        },
        "vulnerabilities": [_vulnerability(found, place, style) for found, place in records.rows(report)],
    }
    json.dump(document, stream, ensure_ascii=False, indent=2)
    stream.write("\n")


def _vulnerability(found: Finding, place: Occurrence, style: Style) -> dict[str, Any]:
    d, where = found.detector, place.provenance
    path = records.relative(place, style)
    key = f"{d.id}\0{found.fingerprint}\0{path}\0{'!'.join(where.inside)}\0{place.start}\0{where.commit}"
    record: dict[str, Any] = {
        "id": str(uuid.uuid5(_SPACE, key)),
        "category": "secret_detection",
        "name": d.name[:NAME_LIMIT],
        "description": f"{d.name} ({found.masked}) in {where.shown}:{place.line}",
        "severity": found.severity.capitalize(),
        "solution": d.advice,
        "raw_source_code_extract": found.masked,
        "identifiers": [
            {"type": "strongroom_rule_id", "name": f"Strongroom rule ID {d.id}", "value": d.id},
            {"type": "strongroom_fingerprint", "name": "Fingerprint", "value": found.fingerprint},
        ],
        "location": {
            "file": path,
            "commit": _commit(place),
            "start_line": place.line,
            "end_line": place.end_line,
        },
        "details": {
            "validity": {"type": "text", "name": "Validity", "value": found.validity},
            "confidence": {"type": "text", "name": "Confidence", "value": found.confidence},
        },
    }
    if found.confidence == "low":
        doubt = {"type": "flagged-as-likely-false-positive", "origin": "strongroom"}
        record["flags"] = [{**doubt, "description": "; ".join(found.reasons) or "low confidence"}]
    if d.docs.startswith("https://"):
        record["links"] = [{"url": d.docs}]
    return record


def _commit(place: Occurrence) -> dict[str, str]:
    where = place.provenance
    commit = {"sha": where.commit or NO_COMMIT, "author": where.author, "date": where.date}
    commit["message"] = where.message.partition("\n")[0]
    return {key: value for key, value in commit.items() if value}
