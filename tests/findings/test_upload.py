"""What leaves the scanner's machine: SARIF of others read within bounds, secrets hashed, CODEOWNERS matched."""

import json
from typing import Any

import pytest

from strongroom.cli import codeowners, finding_sarif, finding_upload
from strongroom.errors import InvalidRequest
from strongroom.scanner.fingerprint import PUBLIC_KEY, fingerprint

SECRET = "kT7vQ2xLw9ZsB4nRy6HcJ1mD"


def sarif(tool: str, *results: dict[str, Any], rules: tuple[dict[str, Any], ...] = ()) -> bytes:
    run = {"tool": {"driver": {"name": tool, "rules": list(rules)}}, "results": list(results)}
    return json.dumps({"version": "2.1.0", "runs": [run]}).encode()


def result(**more: Any) -> dict[str, Any]:
    region = {"startLine": 3, "startColumn": 7, "snippet": {"text": SECRET}}
    place = {"physicalLocation": {"artifactLocation": {"uri": "src/a%20b.py"}, "region": region}}
    return {
        "ruleId": "aws-token",
        "level": "error",
        "message": {"text": SECRET},
        "locations": [place],
        **more,
    }


def test_the_secret_in_a_snippet_becomes_our_fingerprint_and_goes_no_further() -> None:
    marks = {"commitSha": "c0ffee", "email": "bob@example.com"}
    found = list(finding_sarif.findings(sarif("gitleaks", result(partialFingerprints=marks)), PUBLIC_KEY))
    sent = [finding_upload.stripped(each) for each in found]
    assert sent[0]["fingerprint"] == fingerprint(SECRET.encode())
    assert sent[0]["occurrences"][0] == {
        "path": "src/a b.py", "line": 3, "column": 7, "commit": "c0ffee", "email": "bob@example.com"
    }  # fmt: skip
    assert SECRET not in json.dumps(sent)


def test_our_own_fingerprint_is_kept_and_places_come_together() -> None:
    ours = {"strongroom/v1": "a" * 32}
    document = sarif("Strongroom", *(result(partialFingerprints=ours) for _ in range(2)))
    found = list(finding_sarif.findings(document, PUBLIC_KEY))
    assert [(each["detector"], each["fingerprint"], len(each["occurrences"])) for each in found] == [
        ("aws-token", "a" * 32, 2)
    ]


def test_other_tools_are_known_by_their_fingerprints_or_the_place() -> None:
    one = next(iter(finding_sarif.findings(sarif("other", result(fingerprints={"v": "1"})), PUBLIC_KEY)))
    two = next(iter(finding_sarif.findings(sarif("other", result(fingerprints={"v": "2"})), PUBLIC_KEY)))
    three = next(iter(finding_sarif.findings(sarif("other", result()), PUBLIC_KEY)))
    assert len({one["fingerprint"], two["fingerprint"], three["fingerprint"]}) == 3
    assert SECRET not in json.dumps([one, two, three])


@pytest.mark.parametrize(
    ("score", "severity"), [("9.5", "critical"), ("8", "high"), ("x", "high"), (5, "medium")]
)
def test_severity_is_the_rules_score_or_the_level(score: object, severity: str) -> None:
    rule = {"id": "aws-token", "properties": {"security-severity": score}}
    assert (
        next(iter(finding_sarif.findings(sarif("t", result(), rules=(rule,)), b"k")))["severity"] == severity
    )


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b'{"version":"2.1.0"}',
        b'{"version":"2.1.0","runs":{}}',
        b'{"version":"2.1.0","runs":[{"results":[{"locations":"x"}]}]}',
        b'{"version":"2.1.0","runs":' + b"[" * 100_000,
        b"\xff\xfe",
        sarif("t", *({"ruleId": "r"} for _ in range(finding_sarif.MAX_RESULTS + 1))),
    ],
    ids=range(8),
)
def test_hostile_sarif_is_refused(document: bytes) -> None:
    with pytest.raises(InvalidRequest):
        list(finding_sarif.findings(document, PUBLIC_KEY))


def test_a_record_that_is_not_ours_is_sent_without_what_does_not_fit() -> None:
    sent = finding_upload.stripped(
        {"detector": 7, "fingerprint": "f" * 32, "secret": SECRET, "reach": "x", "known": None,
         "occurrences": [{"path": "p" * 9000, "line": -4, "excerpt": SECRET, "inside": ["a"] * 50}, 3],
         "unlisted": "many"}
    )  # fmt: skip
    assert SECRET not in json.dumps(sent)
    assert (len(sent["occurrences"]), sent["occurrences"][0]["line"], sent["unlisted"]) == (1, 0, 0)
    assert len(sent["occurrences"][0]["path"]) <= 1000


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("a.py", ("@all",)),
        ("docs/x/y.md", ("@docs", "@more")),
        ("src/deep/app.js", ("@js",)),
        ("build/logs/one.log", ("@ops",)),
        ("other/build/logs/one.log", ("@all",)),
        ("apps/github/x", ()),
        ("x/vendor/lib.c", ("@vendor",)),
    ],
)
def test_the_last_line_of_codeowners_that_matches_counts(path: str, owners: tuple[str, ...]) -> None:
    text = (
        "# everyone\n* @all\n[Section]\ndocs/ @docs @more # and more\n*.js @js\n"
        "/build/logs/ @ops\n/apps/github\n**/vendor/** @vendor\n"
    )
    assert codeowners.owners(codeowners.parse(text), path) == owners
