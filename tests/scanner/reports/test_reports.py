"""Each format against its golden file, and what holds for all of them."""

import csv
import io
import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from strongroom.errors import InvalidRequest
from strongroom.scanner import reports
from strongroom.scanner.finding import Report
from strongroom.scanner.reports import FORMATS, Style
from tests.scanner.reports.conftest import SECRETS

GOLDEN = Path(__file__).parents[2] / "golden" / "reports"


def _rendered(name: str, report: Report, style: Style) -> str:
    stream = io.StringIO()
    reports.render(name, report, stream, style)
    return stream.getvalue()


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_report_is_as_its_golden_file(name: str, report: Report, style: Style) -> None:
    text = _rendered(name, report, style)
    if name == "sarif":
        text = json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    text = text.replace(style.root, "/tree")
    golden = GOLDEN / f"report.{name}"
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_report_holds_a_secret(name: str, report: Report, style: Style) -> None:
    text = _rendered(name, report, style)
    for secret in SECRETS:
        assert secret not in text
        assert secret[5:-4] not in text


@pytest.mark.parametrize("name", ["sarif", "gitlab"])
def test_what_leaves_the_machine_holds_no_secret_even_when_asked(
    name: str, report: Report, style: Style
) -> None:
    text = _rendered(name, report, style._replace(show_secrets=True, redact=0))
    assert SECRETS[0] not in text


@pytest.mark.parametrize("name", ["text", "json", "csv", "html", "junit"])
def test_secrets_are_shown_when_asked_for(name: str, report: Report, style: Style) -> None:
    assert SECRETS[0] in _rendered(name, report, style._replace(show_secrets=True))


@pytest.mark.parametrize(("percent", "kept"), [(100, 0), (80, 5), (20, 20), (0, 25)])
def test_redact_hides_so_many_percent(percent: int, kept: int, report: Report, style: Style) -> None:
    document = json.loads(_rendered("json", report, style._replace(redact=percent)))
    (shown,) = [f["secret"] for f in document["findings"] if SECRETS[0][:5] in f["secret"] or percent == 100][
        :1
    ]
    assert shown == SECRETS[0][:kept] + ("••••" if kept < 25 else "")


def test_an_unknown_format_names_the_nearest(report: Report) -> None:
    with pytest.raises(InvalidRequest, match="did you mean `sarif`"):
        _rendered("sarfi", report, Style())


def test_suppressed_findings_are_not_in_what_gates_read(report: Report, style: Style) -> None:
    for found in report.findings:
        found.suppressed = "known"
    assert json.loads(_rendered("sarif", report, style))["runs"][0]["results"] == []
    assert json.loads(_rendered("gitlab", report, style))["vulnerabilities"] == []
    assert json.loads(_rendered("codequality", report, style)) == []
    assert 'failures="0"' in _rendered("junit", report, style)
    assert "No secrets found" in _rendered("html", report, style)
    assert all(f["suppressed"] for f in json.loads(_rendered("json", report, style))["findings"])


def test_junit_is_wellformed_whatever_a_file_holds(report: Report, style: Style) -> None:
    place = report.findings[0].occurrences[0]
    report.findings[0].occurrences[0] = place._replace(
        provenance=place.provenance._replace(path='a\x00\x1b"<&>\ud800.txt')
    )
    root = ElementTree.fromstring(_rendered("junit", report, style))
    assert root.attrib["failures"] == "4"


def test_a_spreadsheet_runs_no_formula(report: Report, style: Style) -> None:
    place = report.findings[0].occurrences[0]
    report.findings[0].occurrences[0] = place._replace(
        provenance=place.provenance._replace(author="=HYPERLINK(1)", path="@x")
    )
    text = _rendered("csv", report, style)
    assert "'=HYPERLINK(1)" in text
    assert "'@x" in text


def test_html_escapes_what_files_hold(report: Report, style: Style) -> None:
    text = _rendered("html", report, style)
    assert "<script" not in text
    assert "<i>" not in text
    assert "default-src 'none'" in text


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_repository_cannot_steer_the_terminal(name: str, report: Report, style: Style) -> None:
    """An escape sequence in a path, an author or a provider's answer stays text."""
    attack = "\x1b[31m\x9b2J"
    for found in report.findings:
        found.reach = {"account": attack}
        found.occurrences = [
            place._replace(
                provenance=place.provenance._replace(
                    path=f"a{attack}.env", commit="c" * 40, author=attack, email=attack
                )
            )
            for place in found.occurrences
        ]
    text = _rendered(name, report, style)
    assert "\x1b" not in text
    assert name not in ("text", "csv", "html") or "\x9b" not in text


def test_the_text_says_what_a_live_check_could_not_tell(report: Report, style: Style) -> None:
    report.findings[1].asked = True
    assert "validity unknown" not in _rendered("text", report, style).split("fingerprint")[0]
    assert "validity unknown" in _rendered("text", report, style)


def test_machine_readable_paths_are_as_they_were_reached(report: Report, style: Style) -> None:
    document = json.loads(_rendered("json", report, style))
    paths = {o["path"] for f in document["findings"] for o in f["occurrences"] if "path" in o}
    rows = list(csv.DictReader(io.StringIO(_rendered("csv", report, style))))
    assert {row["path"] for row in rows if row["path"] != "stdin"} == paths
