"""The hooks that pre-commit's users name, run by pre-commit itself."""

from pathlib import Path

import pytest

from tests.conftest import TOOLS
from tests.scanner.hooks.conftest import STRONGROOM, Run, stage

pytestmark = [pytest.mark.component("pre-commit"), pytest.mark.component("git"), pytest.mark.slow]


def _hooks(run: Run, repository: Path, tmp_path: Path) -> Path:
    """A repository that holds only the hook file, as pre-commit clones one."""
    place = tmp_path / "hooks"
    run("git", "init", "-q", place)
    (place / ".pre-commit-hooks.yaml").write_text((repository / ".pre-commit-hooks.yaml").read_text())
    run("git", "add", ".", at=place)
    run("git", "commit", "-qm", "hooks", at=place)
    return place


def test_try_repo_runs_the_installed_hook(run: Run, work: Path, repository: Path, tmp_path: Path) -> None:
    hooks = _hooks(run, repository, tmp_path)
    path = f"{STRONGROOM.parent}:{TOOLS / 'bin'}:/usr/bin:/bin"
    command = (TOOLS / "bin/pre-commit", "try-repo", hooks, "strongroom-system", "--verbose")
    stage(work, run, text="clean\n")
    done = run(*command, at=work, PATH=path)
    assert done.returncode == 0, done.stdout + done.stderr
    stage(work, run)
    done = run(*command, at=work, PATH=path)
    assert done.returncode == 1
    assert "app.env:1:7" in done.stdout
    assert run(*command, at=work, PATH=path, SKIP="strongroom-system").returncode == 0


def test_a_commit_under_pre_commit_is_stopped(run: Run, work: Path, repository: Path, tmp_path: Path) -> None:
    hooks = _hooks(run, repository, tmp_path)
    revision = run("git", "rev-parse", "HEAD", at=hooks).stdout.strip()
    (work / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {hooks}\n  rev: {revision}\n  hooks:\n  - id: strongroom-system\n"
    )
    path = f"{STRONGROOM.parent}:{TOOLS / 'bin'}:/usr/bin:/bin"
    run("git", "add", ".", at=work)
    assert run(TOOLS / "bin/pre-commit", "install", at=work, PATH=path).returncode == 0
    assert run("git", "commit", "-qm", "settings", at=work, PATH=path).returncode == 0
    stage(work, run)
    assert run("git", "commit", "-qm", "leak", at=work, PATH=path).returncode == 1


def test_every_id_is_declared(repository: Path) -> None:
    text = (repository / ".pre-commit-hooks.yaml").read_text()
    ids = [line.removeprefix("- id: ") for line in text.splitlines() if line.startswith("- id: ")]
    assert ids == ["strongroom", "strongroom-push", "strongroom-docker", "strongroom-system"]
    assert text.count("pass_filenames: false") == text.count("require_serial: true") == 4
