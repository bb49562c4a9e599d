"""Pushes: the client's hook, and a server that refuses, before its deadline, with a way round on record."""

import json
import signal
import sys
from pathlib import Path

import pytest

from strongroom.cli import break_glass, hook_receive
from strongroom.errors import InvalidRequest
from tests.scanner.hooks.conftest import STRONGROOM, TOKEN, Run, stage

pytestmark = [pytest.mark.component("git"), pytest.mark.slow]


def _leak(run: Run, work: Path) -> None:
    stage(work, run)
    assert run("git", "commit", "-qnm", "leak", at=work).returncode == 0


def _guard(run: Run, server: Path, **settings: str) -> None:
    assert run(STRONGROOM, "install", "--pre-receive", "--repository", server).returncode == 0
    for name, value in settings.items():
        run("git", "-C", server, "config", f"strongroom.{name}", value)


def test_a_push_that_brings_a_secret_is_stopped_before_it_leaves(run: Run, work: Path, server: Path) -> None:
    run(STRONGROOM, "install", "--pre-push", at=work)
    assert run("git", "push", "-q", "origin", "main", at=work).returncode == 0
    _leak(run, work)
    done = run("git", "push", "-q", "origin", "main", at=work)
    assert done.returncode == 1
    assert "app.env:1:7" in done.stdout + done.stderr
    assert run("git", "push", "-q", "origin", "HEAD~1:refs/heads/clean", at=work).returncode == 0


def test_a_server_refuses_a_secret_and_takes_the_rest(run: Run, work: Path, server: Path) -> None:
    _guard(run, server)
    stage(work, run, text="clean\n")
    run("git", "commit", "-qm", "clean", at=work)
    assert run("git", "push", "-q", "origin", "main", at=work).returncode == 0
    _leak(run, work)
    done = run("git", "push", "-q", "origin", "main", at=work)
    assert done.returncode == 1
    assert "remote: This push brings 1 secret" in done.stderr
    assert "pre-receive hook declined" in done.stderr
    assert TOKEN not in done.stderr
    assert (
        run("git", "-C", server, "rev-parse", "main").stdout
        != run("git", "rev-parse", "HEAD", at=work).stdout
    )
    assert run("git", "push", "-q", "origin", ":refs/heads/nothing", at=work).returncode == 0, "a deletion"


def test_a_comment_in_a_push_does_not_help_unless_the_server_says_so(
    run: Run, work: Path, server: Path
) -> None:
    _guard(run, server)
    stage(work, run, text=f"TOKEN={TOKEN} # gitleaks:allow\n")
    run("git", "commit", "-qm", "marked", at=work)
    assert run("git", "push", "-q", "origin", "main", at=work).returncode == 1
    run("git", "-C", server, "config", "strongroom.inline", "true")
    assert run("git", "push", "-q", "origin", "main", at=work).returncode == 0


def test_an_ignore_file_counts_once_it_is_on_the_servers_branch(run: Run, work: Path, server: Path) -> None:
    _guard(run, server)
    _leak(run, work)
    run(STRONGROOM, "scan", "--range", "HEAD~1..HEAD", at=work)
    run(STRONGROOM, "ignore", "--last-found", "--reason", "a sample", at=work)
    run("git", "add", ".", at=work)
    run("git", "commit", "-qnm", "exception", at=work)
    assert run("git", "push", "-q", "origin", "main", at=work).returncode == 1, "not by the push itself"
    run("git", "checkout", "-qb", "review", "HEAD~2", at=work)
    run("git", "checkout", "-q", "main", "--", ".strongroom-ignore.toml", at=work)
    run("git", "commit", "-qnm", "exception alone", at=work)
    assert run("git", "push", "-q", "origin", "review:main", at=work).returncode == 0
    assert run("git", "push", "-q", "origin", "main:topic", at=work).returncode == 0


def test_breaking_the_glass_needs_a_reason_and_is_recorded(run: Run, work: Path, server: Path) -> None:
    _guard(run, server)
    _leak(run, work)
    push = ("git", "push", "-q", "origin", "main")
    assert run(*push, "-o", "breakglass", at=work).returncode == 1
    assert run(*push, "-o", "breakglass", "-o", "strongroom.reason=x", at=work).returncode == 1
    done = run(
        *push, "-o", "breakglass", "-o", "strongroom.reason=production is down", at=work, GL_USERNAME="ana"
    )
    assert done.returncode == 0
    assert "this was recorded" in done.stderr
    log = server / break_glass.LOG
    assert log.stat().st_mode & 0o777 == 0o600
    (line,) = log.read_text().splitlines()
    entry = json.loads(line)
    assert (entry["who"], entry["why"], entry["reason"]) == ("ana", "break-glass", "production is down")
    assert len(entry["fingerprints"]) == 1
    assert TOKEN not in line


def test_the_way_round_can_be_closed_and_needs_its_record(run: Run, work: Path, server: Path) -> None:
    _guard(run, server, auditLog="/dev/full/none")
    _leak(run, work)
    push = (
        "git",
        "push",
        "-q",
        "-o",
        "breakglass",
        "-o",
        "strongroom.reason=production is down",
        "origin",
        "main",
    )
    done = run(*push, at=work)
    assert done.returncode == 1
    assert "cannot be recorded" in done.stderr
    run("git", "-C", server, "config", "strongroom.auditLog", "log.jsonl")
    run("git", "-C", server, "config", "strongroom.breakGlass", "false")
    done = run(*push, at=work)
    assert done.returncode == 1
    assert "breakglass" not in done.stderr


@pytest.mark.parametrize(("fail_open", "code"), [("false", 1), ("true", 0)])
def test_a_late_scan_is_answered_as_the_server_wants(
    run: Run, work: Path, server: Path, fail_open: str, code: int
) -> None:
    _guard(run, server, deadline="0.01", failOpen=fail_open)
    _leak(run, work)
    done = run("git", "push", "-q", "origin", "main", at=work)
    assert done.returncode == code
    assert "took too long" in done.stderr
    assert (server / break_glass.LOG).exists() == (code == 0)


def _forever(_told: int) -> int:
    while True:
        signal.pause()


def test_the_deadline_holds_whatever_the_scan_does() -> None:
    answer, _ = hook_receive.within(0.05, _forever)
    assert answer is None


def test_a_scan_that_dies_is_a_failure_not_a_pass() -> None:
    answer, found = hook_receive.within(20, lambda told: 1 // 0)
    assert (answer, found.rstrip("\x04")) == (hook_receive.FAILED, "")


def test_gitlab_shows_every_line(run: Run, work: Path, server: Path) -> None:
    _guard(run, server)
    _leak(run, work)
    done = run("git", "push", "-q", "origin", "main", at=work, GL_REPOSITORY="project-1")
    lines = [line for line in done.stderr.splitlines() if line.startswith("remote: ") and line[8:].strip()]
    assert lines
    assert all(
        line.startswith("remote: GL-HOOK-ERR: ") or line.strip() == "remote: GL-HOOK-ERR:" for line in lines
    )


def test_wrong_settings_are_named() -> None:
    with pytest.raises(InvalidRequest, match="deadline is not a number"):
        hook_receive.Settings({"deadline": "soon"})
    with pytest.raises(InvalidRequest, match="failopen is true or false"):
        hook_receive.Settings({"failopen": "maybe"})
    with pytest.raises(InvalidRequest, match="minConfidence"):
        hook_receive.Settings({"minconfidence": "none"})


def test_uninstalling_puts_the_servers_settings_back(run: Run, server: Path) -> None:
    _guard(run, server)
    assert run("git", "-C", server, "config", "receive.advertisePushOptions").stdout == "true\n"
    run(STRONGROOM, "uninstall", "--repository", server)
    assert run("git", "-C", server, "config", "receive.advertisePushOptions").returncode == 1
    assert not (server / "hooks/pre-receive").exists()


def test_compiling_the_rules_is_left_to_a_process_that_ends_by_itself(run: Run) -> None:
    """In a process of its own: pytest has threads, and forking one that has them is not safe."""
    code = (
        "import os; from strongroom.cli import hook_receive as h; h._warm(); raise SystemExit(os.wait()[1])"
    )
    assert run(sys.executable, "-c", code).returncode == 0
