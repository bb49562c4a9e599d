"""SARIF 2.1.0, as GitHub's code scanning takes it; the secret itself is never in it.

One result for each place. A run holds at most RESULTS; more places make more
runs. Source: OASIS SARIF 2.1.0; GitHub, "SARIF support for code scanning".
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strongroom.scanner.reports import HOME, VERSION, linehash, records

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.detector import Detector
    from strongroom.scanner.finding import Finding, Occurrence, Report
    from strongroom.scanner.reports import Style

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RESULTS = 25_000  # of a run, GitHub's limit
LEVEL = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
SECURITY_SEVERITY = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
PRECISION = {"high": "very-high", "medium": "high", "low": "medium"}
BASE = "SRCROOT"
_VALIDITY = {
    "live": " It is live.",
    "dead": " It no longer works.",
    "canary": " It is planted: its use raises an alarm.",
}


def render(report: Report, stream: TextIO, style: Style) -> None:
    """Write one document; secrets stay out of it whatever `style` says."""
    style = style._replace(show_secrets=False, redact=-1)
    rows = list(records.rows(report))
    hashes = _Hashes([place for _, place in rows])
    results = [_result(found, place, style, hashes) for found, place in rows]
    runs = [
        _run(report, results[first : first + RESULTS], first // RESULTS, style)
        for first in range(0, len(results) or 1, RESULTS)
    ]
    json.dump({"$schema": SCHEMA, "version": "2.1.0", "runs": runs}, stream, ensure_ascii=False)
    stream.write("\n")


def _run(report: Report, results: list[dict[str, Any]], number: int, style: Style) -> dict[str, Any]:
    named = {found.detector.id: found for found in reversed(report.open)}
    used = sorted({result["ruleId"] for result in results})
    numbers = {id: number for number, id in enumerate(used)}
    for result in results:
        result["ruleIndex"] = numbers[result["ruleId"]]
    driver = {
        "name": "Strongroom",
        "semanticVersion": VERSION,
        "informationUri": HOME,
        "rules": [_rule(named[id]) for id in used],
    }
    category = style.category or "strongroom"
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{category}/{number + 1}" if number else f"{category}/"},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {BASE: _base(style)},
        "invocations": [_invocation(report, style)],
        "results": results,
    }


def _base(style: Style) -> dict[str, Any]:
    about = {"text": "The folder that was scanned, or the repository it is in."}
    return {"uri": Path(style.root).as_uri().rstrip("/") + "/"} if style.root else {"description": about}


def _invocation(report: Report, style: Style) -> dict[str, Any]:
    return {
        "executionSuccessful": True,
        "startTimeUtc": records.stamp(style.now - report.seconds, "%Y-%m-%dT%H:%M:%SZ"),
        "endTimeUtc": records.stamp(style.now, "%Y-%m-%dT%H:%M:%SZ"),
        "toolExecutionNotifications": [
            {"level": "warning", "message": {"text": text}} for text in report.warnings[:RESULTS]
        ],
    }


def _rule(found: Finding) -> dict[str, Any]:
    d = found.detector
    return {
        "id": d.id,
        "name": "".join(part.capitalize() for part in d.id.replace(".", "_").split("_")),
        "shortDescription": {"text": _sentence(d.name)},
        "fullDescription": {"text": f"{_sentence(d.name)} {_sentence(d.advice)}"},
        "help": {"text": _sentence(d.advice), "markdown": _markdown(d)},
        **({"helpUri": d.docs} if d.docs else {}),
        "defaultConfiguration": {"level": LEVEL[d.severity]},
        "properties": {
            "precision": PRECISION[d.confidence],
            "security-severity": SECURITY_SEVERITY[d.severity],
            "problem.severity": "error" if d.severity in ("critical", "high") else "warning",
            "tags": ["security", "secret", d.kind, "external/cwe/cwe-798"],
        },
    }


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."


def _markdown(d: Detector) -> str:
    lines = [f"**{d.name}** was found in the code.", "", f"**What to do:** {_sentence(d.advice)}", ""]
    lines += [
        "Deleting the line is not enough: the history keeps it. Rotate the secret first, then clean up.",
        "",
        "If it may stand there, say so by its fingerprint: `strongroom ignore --last-found --reason …`.",
    ]
    return "\n".join([*lines, "", f"[Documentation]({d.docs})"] if d.docs else lines)


def _result(found: Finding, place: Occurrence, style: Style, hashes: _Hashes) -> dict[str, Any]:
    d, where = found.detector, place.provenance
    live = _VALIDITY.get(found.validity, "")
    about = {
        "confidence": found.confidence,
        "severity": found.severity,
        "validity": found.validity,
        "reach": found.reach,
        "commit": where.commit,
        "author": where.author,
        "date": where.date,
        "inside": "!".join(where.inside),
    }
    return {
        "ruleId": d.id,
        "level": "error" if found.validity == "live" else LEVEL[found.severity],
        "message": {"text": f"{d.name} ({found.masked}).{live} {_sentence(d.advice)}"},
        "locations": [_location(place, style)],
        "partialFingerprints": {
            "primaryLocationLineHash": hashes.of(place),
            "strongroom/v1": found.fingerprint,
        },
        "properties": {key: value for key, value in about.items() if value},
    }


def _location(place: Occurrence, style: Style) -> dict[str, Any]:
    from urllib.parse import quote  # noqa: PLC0415 (only where something was found)

    uri = quote(records.relative(place, style), safe="/!$&'()*+,;=@~")
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": BASE},
            "region": _region(place),
        }
    }
    if place.provenance.inside:
        location["logicalLocations"] = [{"fullyQualifiedName": place.provenance.shown, "kind": "member"}]
    return location


def _region(place: Occurrence) -> dict[str, int]:
    """Lines and columns of a place; columns count UTF-16 code units, as editors do."""
    lead = place.column - 1
    start = _units(place.head[:lead]) + max(0, lead - len(place.head)) + 1
    inner = place.excerpt[place.mark : place.mark_end]
    last = inner[inner.rfind(b"\n") + 1 :]
    end = _units(last) + (1 if place.end_line > place.line else start)
    return {
        "startLine": place.line,
        "startColumn": start,
        "endLine": place.end_line,
        "endColumn": max(end, start + 1) if place.end_line == place.line else max(end, 1),
    }


def _units(raw: bytes) -> int:
    return len(raw.decode("utf-8", "replace").encode("utf-16-le")) // 2


class _Hashes:
    """Line hashes: from the file where it still is as it was scanned, else from the line's beginning."""

    def __init__(self, places: list[Occurrence]) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lines: dict[tuple[str, str], int] = {}
        self._whole: dict[tuple[str, int], str] = {}
        files: dict[str, dict[int, bytes]] = {}
        for place in places:
            where = place.provenance
            if where.path and not where.commit and not where.inside:
                files.setdefault(where.path, {})[_start(place)] = place.head
        for path, heads in files.items():
            data = _file(path)
            same = {start for start, head in heads.items() if data[start : start + len(head)] == head}
            for start, value in linehash.line_hashes(data, same).items() if same and data else ():
                self._whole[path, start] = value

    def of(self, place: Occurrence) -> str:
        """The hash of the place's line, numbered among equal ones."""
        where = place.provenance
        if not where.commit and not where.inside:
            known = self._whole.get((where.path, _start(place)))
            if known:
                return known
        value = linehash.head_hash(place.head)
        key = (where.shown + where.commit, value)
        if self._lines.get(key) != place.line:
            self._lines[key] = place.line
            self._seen[key] += 1
        return f"{value}:{self._seen[key]}"


def _start(place: Occurrence) -> int:
    """Where the line of a place begins in its file."""
    return place.start - place.column + 1


def _file(path: str) -> bytes:
    file = Path(path)
    try:
        return file.read_bytes() if file.stat().st_size <= linehash.MAX_FILE else b""
    except OSError:
        return b""
