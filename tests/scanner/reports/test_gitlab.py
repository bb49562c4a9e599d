"""GitLab's report: what schema 15.2.1 demands, written down from its documentation."""

import io
import json

import jsonschema_rs

from strongroom.scanner import reports
from strongroom.scanner.finding import Report
from strongroom.scanner.reports import Style

_TEXT = {"type": "string", "minLength": 1}
_TOOL = {
    "type": "object",
    "required": ["id", "name", "version", "vendor"],
    "properties": {
        "id": _TEXT,
        "name": _TEXT,
        "version": _TEXT,
        "url": {"type": "string", "pattern": "^https?://.+"},
        "vendor": {"type": "object", "required": ["name"], "properties": {"name": _TEXT}},
    },
}
_TIME = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"}
SCHEMA = {
    "type": "object",
    "required": ["scan", "version", "vulnerabilities"],
    "properties": {
        "version": {"const": "15.2.1"},
        "scan": {
            "type": "object",
            "required": ["analyzer", "scanner", "start_time", "end_time", "status", "type"],
            "properties": {
                "analyzer": _TOOL,
                "scanner": _TOOL,
                "start_time": _TIME,
                "end_time": _TIME,
                "status": {"enum": ["success", "failure"]},
                "type": {"const": "secret_detection"},
                "messages": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["level", "value"],
                        "properties": {"level": {"enum": ["info", "warn", "fatal"]}, "value": _TEXT},
                    },
                },
            },
        },
        "vulnerabilities": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "identifiers", "location"],
                "properties": {
                    "id": {"type": "string", "pattern": "^[0-9a-f-]{36}$"},
                    "name": {"type": "string", "maxLength": 255},
                    "description": {"type": "string", "maxLength": 1048576},
                    "severity": {"enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"]},
                    "solution": {"type": "string", "maxLength": 7000},
                    "identifiers": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 20,
                        "items": {"type": "object", "required": ["type", "name", "value"]},
                    },
                    "flags": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["type", "origin", "description"],
                            "properties": {"type": {"enum": ["flagged-as-likely-false-positive"]}},
                        },
                    },
                    "location": {
                        "type": "object",
                        "required": ["commit"],
                        "properties": {
                            "commit": {"type": "object", "required": ["sha"], "properties": {"sha": _TEXT}},
                            "file": _TEXT,
                            "start_line": {"type": "integer"},
                            "end_line": {"type": "integer"},
                        },
                    },
                },
            },
        },
    },
}


def test_the_report_is_as_the_schema_demands(report: Report, style: Style) -> None:
    stream = io.StringIO()
    reports.render("gitlab", report, stream, style)
    document = json.loads(stream.getvalue())
    jsonschema_rs.validate(SCHEMA, document)
    found = document["vulnerabilities"]
    assert len({v["id"] for v in found}) == len(found) == 4
    assert [v["identifiers"][0]["value"] for v in found].count("acme.api_key") == 3
    (doubtful,) = [v for v in found if "flags" in v]
    assert doubtful["severity"] == "Medium"
    assert document["scan"]["end_time"] == "2027-01-15T08:00:00"


def test_ids_stay_when_the_time_changes(report: Report, style: Style) -> None:
    first, second = io.StringIO(), io.StringIO()
    reports.render("gitlab", report, first, style)
    reports.render("gitlab", report, second, style._replace(now=0.0))
    ids = [[v["id"] for v in json.loads(s.getvalue())["vulnerabilities"]] for s in (first, second)]
    assert ids[0] == ids[1]


def test_code_quality_has_a_stable_fingerprint_for_each_place(report: Report, style: Style) -> None:
    stream = io.StringIO()
    reports.render("codequality", report, stream, style)
    places = json.loads(stream.getvalue())
    assert {p["severity"] for p in places} == {"blocker", "major"}
    assert all({"description", "check_name", "fingerprint", "severity", "location"} == set(p) for p in places)
    assert len({p["fingerprint"] for p in places}) == 4
