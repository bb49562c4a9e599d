"""Credentials come from the environment or from `docker login`."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from strongroom.scanner.sources.registry import HUB
from strongroom.scanner.sources.registry_login import credentials


def test_the_environment_comes_first(tmp_path: Path) -> None:
    environment = {
        "HOME": str(tmp_path),
        "STRONGROOM_REGISTRY_USER": "ada",
        "STRONGROOM_REGISTRY_PASSWORD": "a:b",
    }
    assert credentials("r.example", environment) == ("ada", "a:b")


def test_docker_logins_are_read_by_host(tmp_path: Path) -> None:
    auth = base64.b64encode(b"bob:se:cret").decode()
    logins = {"r.example:5000": {"auth": auth}, "https://index.docker.io/v1/": {"auth": auth}, "x": {}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": logins}))
    environment = {"DOCKER_CONFIG": str(tmp_path)}
    assert credentials("r.example:5000", environment) == ("bob", "se:cret")
    assert credentials(HUB, environment) == ("bob", "se:cret")
    assert credentials("x", environment) is None
    assert credentials("other.example", environment) is None


@pytest.mark.parametrize("text", ["", "[", "[]", '{"auths": 3}', '{"auths": {"r.example": {"auth": "%%"}}}'])
def test_a_damaged_file_gives_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert credentials("r.example", {"DOCKER_CONFIG": str(tmp_path)}) is None
