"""Hooks are put in place, chained to what was there, and taken away, in real git commits."""

from pathlib import Path

import pytest

from tests.scanner.hooks.conftest import STRONGROOM, TOKEN, Run, stage

pytestmark = [pytest.mark.component("git"), pytest.mark.slow]


def test_a_commit_with_a_secret_is_stopped_and_a_clean_one_is_not(run: Run, work: Path) -> None:
    assert run(STRONGROOM, "install", "--pre-commit", at=work).returncode == 0
    stage(work, run)
    done = run("git", "commit", "-qm", "leak", at=work)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "app.env:1:7" in said
    assert "strongroom ignore --last-found" in said
    assert TOKEN not in said
    stage(work, run, text="TOKEN=$TOKEN\n")
    done = run("git", "commit", "-qm", "clean", at=work)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_index_counts_not_the_work_tree(run: Run, work: Path) -> None:
    run(STRONGROOM, "install", at=work)
    stage(work, run, text="nothing\n")
    (work / "app.env").write_text(f"TOKEN={TOKEN}\n")
    assert run("git", "commit", "-qm", "clean index", at=work).returncode == 0
    assert run("git", "commit", "-qm", "whole file", "app.env", at=work).returncode == 1


def test_what_the_hook_found_can_be_ignored_and_then_passes(run: Run, work: Path) -> None:
    run(STRONGROOM, "install", at=work)
    stage(work, run)
    assert run("git", "commit", "-qm", "leak", at=work).returncode == 1
    done = run(STRONGROOM, "ignore", "--last-found", "--reason", "a sample", at=work)
    assert done.returncode == 0, done.stderr
    run("git", "add", ".strongroom-ignore.toml", at=work)
    assert run("git", "commit", "-qm", "sample", at=work).returncode == 0


def test_installing_twice_changes_nothing_and_a_hook_that_was_there_runs_first(run: Run, work: Path) -> None:
    hook = work / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho the old hook\nexit ${OLD_ANSWER:-0}\n")
    hook.chmod(0o755)
    assert "runs first" in run(STRONGROOM, "install", at=work).stderr
    written = hook.read_text()
    assert "is up to date" in run(STRONGROOM, "install", at=work).stderr
    assert hook.read_text() == written
    stage(work, run, text="clean\n")
    assert run("git", "commit", "-qm", "refused", at=work, OLD_ANSWER="3").returncode == 1
    assert "the old hook" in run("git", "commit", "-qm", "taken", at=work).stderr
    stage(work, run)
    assert run("git", "commit", "-qm", "leak", at=work).returncode == 1
    assert run(STRONGROOM, "uninstall", at=work).returncode == 0
    assert hook.read_text().startswith("#!/bin/sh\necho the old hook")
    assert run("git", "commit", "-qm", "no check", at=work).returncode == 0
    assert "no hook of strongroom" in run(STRONGROOM, "uninstall", at=work).stderr


def test_a_hook_that_another_tool_put_over_ours_is_not_lost(run: Run, work: Path) -> None:
    hook = work / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")
    run(STRONGROOM, "install", at=work)
    hook.write_text("#!/bin/sh\n# another\n")
    done = run(STRONGROOM, "install", at=work)
    assert done.returncode == 2
    assert "is taken" in done.stderr


def test_a_hooks_folder_of_the_repository_is_respected(run: Run, work: Path) -> None:
    run("git", "config", "core.hooksPath", "tools/hooks", at=work)
    run(STRONGROOM, "install", at=work)
    assert (work / "tools/hooks/pre-commit").exists()
    stage(work, run)
    assert run("git", "commit", "-qm", "leak", at=work).returncode == 1


def test_a_global_hook_guards_every_repository_and_keeps_their_own(run: Run, work: Path, home: Path) -> None:
    own = work / ".git/hooks/commit-msg"
    own.parent.mkdir(exist_ok=True)
    own.write_text('#!/bin/sh\ngrep -q ticket "$1"\n')
    own.chmod(0o755)
    assert run(STRONGROOM, "install", "--pre-commit", "--global", at=work).returncode == 0
    stage(work, run, text="clean\n")
    assert run("git", "commit", "-qm", "no number", at=work).returncode == 1
    assert run("git", "commit", "-qm", "ticket 1", at=work).returncode == 0
    stage(work, run)
    assert run("git", "commit", "-qm", "ticket 2", at=work).returncode == 1
    assert run(STRONGROOM, "uninstall", "--global", at=work).returncode == 0
    assert "hooksPath" not in (home / ".gitconfig").read_text()
    assert list((home / ".config/strongroom/hooks").iterdir()) == []


def test_a_hook_says_what_to_do_when_strongroom_is_gone(run: Run, work: Path) -> None:
    run(STRONGROOM, "install", at=work)
    hook = work / ".git/hooks/pre-commit"
    hook.write_text(hook.read_text().replace(str(STRONGROOM), "/nowhere/strongroom"))
    stage(work, run, text="clean\n")
    done = run("git", "commit", "-qm", "x", at=work, PATH="/usr/bin:/bin")
    assert done.returncode == 1
    assert "is not installed any more" in done.stderr


def test_no_place_for_hooks_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert run(STRONGROOM, "install", at=tmp_path / "plain").returncode == 2
    assert run(STRONGROOM, "install", "--pre-receive", "--global", at=tmp_path).returncode == 2
