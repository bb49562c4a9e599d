"""SARIF as GitHub takes it: Microsoft's validator, the line hash, limits, paths and columns."""

import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from strongroom.scanner import reports
from strongroom.scanner.finding import Report
from strongroom.scanner.reports import Style, linehash, sarif
from tests.conftest import SARIF_VALIDATOR


def _document(report: Report, style: Style) -> dict[str, Any]:
    stream = io.StringIO()
    reports.render("sarif", report, stream, style)
    document: dict[str, Any] = json.loads(stream.getvalue())
    return document


def _place(result: dict[str, Any]) -> tuple[str, int, int, int]:
    physical = result["locations"][0]["physicalLocation"]
    region = physical["region"]
    return (
        physical["artifactLocation"]["uri"],
        region["startLine"],
        region["startColumn"],
        region["endColumn"],
    )


def test_paths_are_below_the_root_and_columns_count_as_editors_do(report: Report, style: Style) -> None:
    results = _document(report, style)["runs"][0]["results"]
    assert sorted(map(_place, results)) == [
        ("src/%C3%BC%20b.txt", 1, 5, 30),
        ("src/%C3%BC%20b.txt", 2, 6, 21),
        ("src/app.env", 2, 7, 32),
        ("src/app.env", 2, 39, 64),
    ]


def test_each_result_has_the_hash_of_its_line_and_our_fingerprint(
    report: Report, style: Style, tree: Path
) -> None:
    data = (tree / "src/app.env").read_bytes()
    found = {f.fingerprint for f in report.findings}
    for result in _document(report, style)["runs"][0]["results"]:
        prints = result["partialFingerprints"]
        assert prints["strongroom/v1"] in found
        if _place(result)[0] == "src/app.env":
            assert prints["primaryLocationLineHash"] == linehash.line_hashes(data, [4])[4]


def test_a_file_that_changed_since_is_hashed_from_what_was_scanned(
    report: Report, style: Style, tree: Path
) -> None:
    before = [r["partialFingerprints"] for r in _document(report, style)["runs"][0]["results"]]
    (tree / "src/app.env").write_text("something else\n")
    (tree / "src/ü b.txt").unlink()
    assert [r["partialFingerprints"] for r in _document(report, style)["runs"][0]["results"]] == before


def test_more_results_than_github_takes_make_more_runs(
    report: Report, style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sarif, "RESULTS", 3)
    runs = _document(report, style)["runs"]
    assert [len(run["results"]) for run in runs] == [3, 1]
    assert len({run["automationDetails"]["id"] for run in runs}) == 2
    for run in runs:
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])


@pytest.mark.slow
@pytest.mark.component("sarif-validator")
@pytest.mark.parametrize("empty", [False, True])
def test_microsofts_validator_has_nothing_to_say(
    report: Report, style: Style, tmp_path: Path, empty: bool
) -> None:
    if empty:
        report.findings = []
    file = tmp_path / "out.sarif"
    file.write_text(json.dumps(_document(report, style)))
    done = subprocess.run(
        [SARIF_VALIDATOR, "validate", file, "--rule-kind", "Sarif;Ghas"],
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stdout.splitlines() if ": error " in line or ": warning " in line]
    assert said == []
    assert done.returncode == 0, done.stdout
