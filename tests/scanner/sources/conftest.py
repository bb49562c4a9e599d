"""Git without the settings of whoever runs the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.scanner.sources.repositories import Repository


@pytest.fixture(autouse=True)
def _quiet_git(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in [n for n in os.environ if n.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    config = tmp_path_factory.mktemp("home") / "gitconfig"
    config.write_text(
        '[user]\nname = Ada Example\nemail = ada@example.org\n[protocol "file"]\nallow = always\n'
        "[gc]\nauto = 0\n[advice]\ndetachedHead = false\n[uploadpack]\nallowFilter = true\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")
