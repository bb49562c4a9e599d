"""What is suppressed, by what, and what never is: another secret, an expired entry, a live one."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.errors import InvalidRequest
from strongroom.scanner import scan, suppress
from strongroom.scanner.finding import Finding, Report
from strongroom.scanner.fingerprint import PUBLIC_KEY, fingerprint
from strongroom.scanner.rules import Rules
from strongroom.scanner.sources.files import FilesSource
from strongroom.scanner.suppress import Suppression, baseline, ignorefile, last_found
from strongroom.scanner.suppress.ignorefile import Entry

Token = Callable[[str], str]
TODAY = "2026-11-24"


def _scan(rules: Rules, place: Path) -> Report:
    return scan.scan(FilesSource([str(place)]), rules)


def _entry(secret: str, *, expires: str = "2027-01-01", live: bool = False) -> Entry:
    return Entry(fingerprint(secret.encode()), "a sample", "ana", expires, live=live)


@pytest.fixture
def one(builtin_rules: Rules, tree: Path, token: Token) -> Report:
    """A report of one secret."""
    (tree / "a.env").write_text(f"TOKEN={token('one')}\n")
    return _scan(builtin_rules, tree)


def _only(report: Report) -> Finding:
    (found,) = report.findings
    return found


def test_an_entry_hides_its_secret_wherever_it_moves(builtin_rules: Rules, tree: Path, token: Token) -> None:
    entries = [_entry(token("one"))]
    for name, text in (("a", f"T={token('one')}"), ("b", f"\n\n\nother = '{token('one')}'")):
        (tree / name).write_text(text)
        report = _scan(builtin_rules, tree)
        suppress.apply(report, Suppression(entries), TODAY)
        assert report.open == []
        assert _only(report).suppressed == "a sample (ana, until 2027-01-01)"
        (tree / name).unlink()


def test_an_entry_hides_no_other_secret_in_the_same_place(
    builtin_rules: Rules, tree: Path, token: Token
) -> None:
    (tree / "a.env").write_text(f"TOKEN={token('two')}\n")
    report = _scan(builtin_rules, tree)
    suppress.apply(report, Suppression([_entry(token("one"))]), TODAY)
    assert len(report.open) == 1


def test_an_expired_entry_hides_nothing_and_says_so(one: Report, token: Token) -> None:
    suppress.apply(one, Suppression([_entry(token("one"), expires="2026-11-23")]), TODAY)
    assert len(one.open) == 1
    assert "its exception ended on 2026-11-23" in one.warnings[0]


def test_the_last_day_still_holds(one: Report, token: Token) -> None:
    suppress.apply(one, Suppression([_entry(token("one"), expires=TODAY)]), TODAY)
    assert one.open == []


def test_a_live_secret_is_not_hidden_without_saying_so(one: Report, token: Token) -> None:
    _only(one).validity = "live"
    suppress.apply(one, Suppression([_entry(token("one"))]), TODAY)
    assert len(one.open) == 1
    assert "is live, so this does not hide it" in one.warnings[0]
    suppress.apply(one, Suppression([_entry(token("one"), live=True)]), TODAY)
    assert one.open == []
    assert "is hidden although it is live" in one.warnings[-1]


def test_a_live_secret_is_not_hidden_by_a_comment_or_a_baseline(
    builtin_rules: Rules, tree: Path, token: Token
) -> None:
    (tree / "a").write_text(f"T={token('one')} # gitleaks:allow\n")
    report = _scan(builtin_rules, tree)
    _only(report).validity = "live"
    known = baseline.Baseline("b.json")
    known.fingerprints = {_only(report).fingerprint}
    suppress.apply(report, Suppression((), [known]), TODAY)
    assert len(report.open) == 1


def test_a_comment_hides_its_place_and_no_other(builtin_rules: Rules, tree: Path, token: Token) -> None:
    (tree / "a").write_text(f"T={token('one')} # gitleaks:allow\n")
    (tree / "b").write_text(f"T={token('one')}\n")
    report = _scan(builtin_rules, tree)
    suppress.apply(report, Suppression(), TODAY)
    assert [Path(o.provenance.path).name for o in _only(report).occurrences] == ["b"]
    (tree / "b").unlink()
    report = _scan(builtin_rules, tree)
    suppress.apply(report, Suppression(inline=False), TODAY)
    assert len(report.open) == 1
    suppress.apply(report, Suppression(), TODAY)
    assert _only(report).suppressed == "inline gitleaks:allow"


def test_a_marker_without_a_reason_is_a_warning(builtin_rules: Rules, tree: Path, token: Token) -> None:
    (tree / "a").write_text(f"T={token('one')} # strongroom:allow\n")
    report = _scan(builtin_rules, tree)
    suppress.apply(report, Suppression(), TODAY)
    assert len(report.open) == 1
    assert "gives no reason, so it hides nothing" in report.warnings[0]


def test_the_ignore_file_is_found_above_but_not_beyond_the_repository(tree: Path) -> None:
    subprocess.run(["git", "init", "-q", tree / "repo"], check=True)
    (tree / ignorefile.NAME).write_text("")
    (tree / "repo" / "sub").mkdir()
    assert ignorefile.find(str(tree / "repo" / "sub")) == ""
    (tree / "repo" / ignorefile.NAME).write_text("")
    assert ignorefile.find(str(tree / "repo" / "sub")) == str(tree / "repo" / ignorefile.NAME)


def test_what_is_appended_is_read_back(tree: Path) -> None:
    path = str(tree / ignorefile.NAME)
    entries = [
        Entry("ab" * 16, 'he said "no" \\ \x7f 😀\nand', "ö@x", "2027-01-31", "a.b", "x:1", live=True),
        Entry("cd" * 16, "r", "o", "2027-01-31"),
    ]
    assert ignorefile.append(path, entries) == 2
    assert ignorefile.append(path, entries) == 0
    assert ignorefile.read(path) == entries


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[ignore]]\nfingerprint='x'", "`reason` is missing"),
        ("[[ignore]]\nfingerprnt='x'", "did you mean `fingerprint`"),
        ("[[ignore]]\nfingerprint='x'\nreason='r'\nowner='o'\nexpires=2027-01-01", "32 hex digits"),
        (f"[[ignore]]\nfingerprint='{'a' * 32}'\nreason='r'\nowner='o'\nexpires='soon'", "not a date"),
        (
            f"[[ignore]]\nfingerprint='{'a' * 32}'\nreason='r'\nowner='o'\nexpires=2027-01-01\nlive=1",
            "true or",
        ),
        ("[ignores]", "unknown key `ignores`"),
        ("[[", "not TOML"),
    ],
)
def test_a_wrong_ignore_file_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        ignorefile.parse(text, "f")


def test_a_baseline_hides_what_was_known_and_nothing_new(
    builtin_rules: Rules, tree: Path, token: Token, tmp_path: Path, one: Report
) -> None:
    path = str(tmp_path / "known.json")
    baseline.save(path, baseline.merge(one, [], TODAY), PUBLIC_KEY)
    assert token("one") not in Path(path).read_text()
    (tree / "a.env").write_text(f"# moved\nX={token('one')}\nY={token('new')}\n")
    report = _scan(builtin_rules, tree)
    suppress.apply(report, suppress.gather([str(tree)], "", [path], PUBLIC_KEY), TODAY)
    assert [f.secret.decode() for f in report.open] == [token("new")]


def test_an_update_keeps_what_an_audit_said_and_forgets_what_is_gone(one: Report) -> None:
    known = [k._replace(status="test", note="sandbox") for k in baseline.merge(one, [], "2026-01-01")]
    gone = known[0]._replace(fingerprint="f" * 32)
    (kept,) = baseline.merge(one, [*known, gone], TODAY)
    assert (kept.status, kept.note, kept.since) == ("test", "sandbox", "2026-01-01")


def test_a_baseline_of_another_key_is_refused(tmp_path: Path, one: Report) -> None:
    path = str(tmp_path / "known.json")
    baseline.save(path, baseline.merge(one, [], TODAY), PUBLIC_KEY)
    with pytest.raises(InvalidRequest, match="another fingerprint key"):
        baseline.read(path, b"k" * 32)


def test_other_scanners_baselines_are_read(tmp_path: Path, one: Report, token: Token) -> None:
    digest = hashlib.sha1(token("one").encode(), usedforsecurity=False).hexdigest()
    found = _only(one)
    files = {
        "detect": {
            "version": "1.5.0",
            "plugins_used": [],
            "results": {"a.env": [{"type": "GitHub Token", "hashed_secret": digest, "line_number": 1}]},
        },
        "gitleaks": [{"RuleID": "github-pat", "Secret": token("one")}],
        "ours": {"version": 1, "findings": [{"fingerprint": found.fingerprint}]},
        "sarif": {"runs": [{"results": [{"partialFingerprints": {"strongroom/v1": found.fingerprint}}]}]},
    }
    for name, document in files.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(document))
        assert baseline.read(str(path), PUBLIC_KEY).explains(found), name
        assert not baseline.read(str(path), PUBLIC_KEY).explains(_other(found))


def _other(found: Finding) -> Finding:
    other = Finding.__new__(Finding)
    other.secret, other.fingerprint, other.detector = b"another", "0" * 32, found.detector
    return other


@pytest.mark.parametrize("text", ["[1]", "{}", "no", '[{"Secret": "REDACTED"}]', '[{"Secret": "abc..."}]'])
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(InvalidRequest, match=r"b\.json"):
        baseline.read(str(path), PUBLIC_KEY)


def test_the_last_findings_are_remembered_for_each_repository(one: Report, tree: Path) -> None:
    subprocess.run(["git", "init", "-q", tree], check=True)
    (tree / "sub").mkdir()
    last_found.remember(one, str(tree))
    (found,) = last_found.recall(str(tree / "sub"))
    assert found.fingerprint == _only(one).fingerprint
    assert last_found.recall("/") == []
