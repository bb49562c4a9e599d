"""Real repositories with real git, whose home and settings are the test's own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.scanner import examples

STRONGROOM = Path(sys.executable).with_name("strongroom")
TOKEN = examples.draw("<checksum:github:ghp_>", "hooks")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and no variable of an outer git, hook or CI."""
    place = tmp_path / "home"
    place.mkdir()
    for name in list(os.environ):
        if name.startswith(("GIT_", "GL_", "PRE_COMMIT", "GITHUB_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    (place / ".gitconfig").write_text(
        "[user]\nname = Ana\nemail = ana@example.com\n[init]\ndefaultBranch = main\n"
        '[protocol "file"]\nallow = always\n'
    )
    return place


@pytest.fixture
def run(home: Path, tmp_path: Path) -> Run:
    """Run a command in a folder and return what it said."""

    def start(*words: str | Path, at: Path = tmp_path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(map(str, words)), cwd=at, capture_output=True, text=True, check=False,
            env={**os.environ, **variables}, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return start


@pytest.fixture
def work(run: Run, tmp_path: Path) -> Path:
    """A work tree with one commit."""
    place = tmp_path / "work"
    assert run("git", "init", "-q", place).returncode == 0
    (place / "readme").write_text("hello\n")
    run("git", "add", ".", at=place)
    assert run("git", "commit", "-qm", "first", at=place).returncode == 0
    return place


@pytest.fixture
def server(run: Run, work: Path, tmp_path: Path) -> Path:
    """A bare repository that `work` pushes to."""
    place = tmp_path / "server.git"
    run("git", "init", "-q", "--bare", place)
    run("git", "remote", "add", "origin", place, at=work)
    assert run("git", "push", "-q", "origin", "main", at=work).returncode == 0
    return place


def stage(place: Path, run: Run, name: str = "app.env", text: str = f"TOKEN={TOKEN}\n") -> None:
    """Stage a file with a secret."""
    (place / name).write_text(text)
    run("git", "add", name, at=place)
