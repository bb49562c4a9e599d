"""The hook commands in this process: what they read from git, pre-commit and the environment."""

import io
import json
import sys
from pathlib import Path

import pytest

from strongroom import cli
from strongroom.cli import break_glass, hook, hook_scripts, scan_options
from tests.scanner.hooks.conftest import TOKEN, Run, stage

pytestmark = pytest.mark.component("git")
ZERO = "0" * 40


@pytest.fixture
def leak(run: Run, work: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The ids of a clean commit and of one with a secret, in the current folder."""
    monkeypatch.chdir(work)
    first = run("git", "rev-parse", "HEAD", at=work).stdout.strip()
    stage(work, run)
    run("git", "commit", "-qnm", "leak", at=work)
    return first, run("git", "rev-parse", "HEAD", at=work).stdout.strip()


def _say(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_pre_commit_reads_the_index(
    run: Run, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(work)
    assert cli.main(["hook", "pre-commit"]) == 0
    assert capsys.readouterr() == ("", "")
    stage(work, run)
    assert cli.main(["hook", "pre-commit"]) == 1
    out, err = capsys.readouterr()
    assert "app.env:1:7" in out
    assert "strongroom ignore --last-found" in err
    assert cli.main(["hook", "pre-commit", "--quiet", "--exit-zero"]) == 0
    assert TOKEN not in out + err


def test_pre_push_reads_what_git_writes(leak: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = leak
    _say(f"refs/heads/main {last} refs/heads/main {first}\n", monkeypatch)
    assert cli.main(["hook", "pre-push", "origin", "url"]) == 1
    _say(f"refs/heads/main {first} refs/heads/main {ZERO}\n", monkeypatch)
    assert cli.main(["hook", "pre-push", "origin", "url"]) == 0
    _say("", monkeypatch)
    assert cli.main(["hook", "pre-push"]) == 0
    _say("nonsense\n", monkeypatch)
    assert cli.main(["hook", "pre-push"]) == 2


def test_pre_push_reads_what_pre_commit_tells(leak: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = leak
    monkeypatch.setenv("PRE_COMMIT", "1")
    assert cli.main(["hook", "pre-push"]) == 1, "all that no remote has"
    monkeypatch.setenv("PRE_COMMIT_TO_REF", last)
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", first)
    assert cli.main(["hook", "pre-push"]) == 1
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", last)
    assert cli.main(["hook", "pre-push"]) == 0
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", ZERO)
    assert cli.main(["hook", "pre-push"]) == 1


def test_pre_receive_judges_without_a_push(
    leak: tuple[str, str],
    work: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    first, last = leak
    run("git", "update-ref", "refs/heads/main", first, at=work)
    run("git", "config", "strongroom.deadline", "60", at=work)
    line = f"{first} {last} refs/heads/main\n"
    _say(line, monkeypatch)
    assert cli.main(["hook", "pre-receive"]) == 1
    said = capfd.readouterr().err
    assert "This push brings 1 secret" in said
    assert break_glass.HOW in said
    _say(f"{last} {ZERO} refs/heads/old\n", monkeypatch)
    assert cli.main(["hook", "pre-receive"]) == 0, "a deletion brings nothing"
    _say("nonsense\n", monkeypatch)
    assert cli.main(["hook", "pre-receive"]) == 1, "what cannot be read is refused"
    assert "the scan failed" in capfd.readouterr().err
    monkeypatch.setenv("GIT_PUSH_OPTION_COUNT", "2")
    monkeypatch.setenv("GIT_PUSH_OPTION_0", "breakglass")
    monkeypatch.setenv("GIT_PUSH_OPTION_1", "strongroom.reason=production is down")
    _say(line, monkeypatch)
    assert cli.main(["hook", "pre-receive"]) == 0
    entry = json.loads((work / break_glass.LOG).read_text())
    assert entry["reason"] == "production is down"
    assert entry["who"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], ""),
        (["breakglass"], ""),
        (["strongroom.reason=production is down"], ""),
        (["breakglass", "strongroom.reason=short"], ""),
        (["strongroom.breakglass", "strongroom.reason= production is down "], "production is down"),
    ],
)
def test_breaking_the_glass_is_asked_for_with_a_reason(options: list[str], reason: str) -> None:
    environment = {f"GIT_PUSH_OPTION_{n}": option for n, option in enumerate(options)}
    environment["GIT_PUSH_OPTION_COUNT"] = str(len(options))
    assert break_glass.reason(environment) == reason
    assert break_glass.reason({"GIT_PUSH_OPTION_COUNT": "many"}) == ""


def test_install_and_uninstall_in_every_place(
    work: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(work)
    assert cli.main(["install", "--pre-commit", "--pre-push"]) == 0
    assert hook_scripts.ours(work / ".git/hooks/pre-push")
    assert cli.main(["uninstall", "--pre-push"]) == 0
    assert hook_scripts.ours(work / ".git/hooks/pre-commit")
    assert cli.main(["install", "--global"]) == 0
    assert "hooksPath" in (home / ".gitconfig").read_text()
    assert cli.main(["uninstall", "--global"]) == 0
    assert "hooksPath" not in (home / ".gitconfig").read_text()
    assert cli.main(["install", "--pre-receive", "--hooks-dir", str(tmp_path / "custom_hooks")]) == 0
    assert hook_scripts.ours(tmp_path / "custom_hooks/pre-receive")
    assert cli.main(["install", "--repository", str(tmp_path / "absent")]) == 2
    capsys.readouterr()
    assert cli.main(["uninstall", "--pre-receive", "--hooks-dir", str(tmp_path / "none")]) == 0
    assert "no hook of strongroom" in capsys.readouterr().err


def test_a_hook_without_options_has_the_defaults_of_the_parser() -> None:
    parsed = vars(cli.parser("scan").parse_args([]))
    assert {key: parsed[key] for key in scan_options.DEFAULTS} == scan_options.DEFAULTS
    quick, slow = vars(hook.parse(["pre-commit"])), vars(hook.parse(["pre-commit", "--quiet"]))
    assert quick | {"quiet": True} == slow


def test_a_script_is_a_shell_script(run: Run, tmp_path: Path) -> None:
    for everywhere in (False, True):
        for check in (False, True):
            file = tmp_path / "hook"
            file.write_text(hook_scripts.script("pre-push", everywhere=everywhere, check=check))
            assert run("sh", "-n", file).returncode == 0
