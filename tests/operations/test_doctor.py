"""`strongroom doctor --config` on a server's host: what is well, and each thing that is not."""

import shutil
import sqlite3
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest

from strongroom.audit.segments import segments
from strongroom.cli import checks_host
from strongroom.cli.checks import Finding
from strongroom.cli.checks_host import disk, host_checks
from strongroom.storage import database, formats
from tests.cli.conftest import Shell
from tests.server.process import start

pytestmark = pytest.mark.slow

GIB = 2**30
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def tame(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process keeps its own limits and file modes."""
    monkeypatch.setattr(checks_host, "harden", lambda: None)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration whose server has been initialised and stopped."""
    place = tmp_path_factory.mktemp("host")
    config = place / "strongroom.toml"
    config.write_text(f'data = "{place / "data"}"\n')
    config.chmod(0o600)
    shell = Shell(place)
    with start("--config", config) as server:
        shell.settings["STRONGROOM_ADDR"] = f"http://127.0.0.1:{server.port}"
        made = shell.ok("operator", "init", "--shares", "1", "--threshold", "1", "--json").json
        shell.ok("operator", "unseal", "-", stdin=made["keys_base64"][0])
        assert server.stop() == 0
    return config


@pytest.fixture
def config(used: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    shutil.copytree(used.parent / "data", tmp_path / "data")
    file = tmp_path / "strongroom.toml"
    file.write_text(f'data = "{tmp_path / "data"}"\n')
    file.chmod(0o600)
    return file


def _found(config: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in host_checks(config)}


def test_a_host_that_is_well(config: Path) -> None:
    found = _found(config)
    assert {name: found[name].state for name in ("config", "layout", "audit")} == dict.fromkeys(
        ("config", "layout", "audit"), "ok"
    )
    assert found["layout"].text == f"the store has format {formats.FORMAT}"
    assert "signed entries hold" in found["audit"].text


def test_a_server_that_was_never_started(tmp_path: Path) -> None:
    file = tmp_path / "strongroom.toml"
    file.write_text(f'data = "{tmp_path / "none"}"\n')
    found = _found(file)
    assert (found["layout"].state, found["audit"].state) == ("skipped", "skipped")
    file.write_text('storage = { kind = "memory" }\n')
    assert _found(file)["disk"].state == "skipped"


def test_a_configuration_that_would_not_start(tmp_path: Path) -> None:
    file = tmp_path / "strongroom.toml"
    file.write_text("[limits]\nidle_second = 3\n")
    (finding,) = host_checks(file)
    assert finding.state == "failed"
    assert "unknown key 'limits.idle_second'" in finding.text
    assert "idle_seconds" in finding.hint


def test_what_others_can_read_is_warned_of(config: Path) -> None:
    config.chmod(0o644)
    said = [finding.text for finding in host_checks(config) if finding.name == "host"]
    assert any("chmod 0600" in text for text in said)


@pytest.mark.parametrize(("free", "state"), [(50 * GIB, "ok"), (5 * GIB, "warning"), (GIB // 8, "failed")])
def test_room_on_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, state: str) -> None:
    usage = Usage(100 * GIB, 100 * GIB - free, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert disk(tmp_path / "not/there/yet").state == state


def test_a_store_of_a_newer_or_an_older_release(config: Path) -> None:
    path = config.parent / "data" / database.NAME
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE format SET version = version + 1")
    newer = _found(config)["layout"]
    assert (newer.state, "start the newer release" in newer.text) == ("failed", True)
    shutil.copy(Path(__file__).parent.parent / "storage/formats/1.db", path)
    assert "upgraded" in _found(config)["layout"].text


def test_a_changed_audit_log_is_found(config: Path) -> None:
    segment = segments(config.parent / "data/audit")[-1].path
    text = segment.read_bytes()
    changed = text.replace(b"127.0.0.1", b"127.0.0.2")
    assert changed != text
    segment.write_bytes(changed)
    found = _found(config)["audit"]
    assert (found.state, found.hint.split()[:3]) == ("failed", ["strongroom", "audit", "verify"])


def test_the_command_shows_them_before_the_way_to_the_server(used: Path) -> None:
    ran = Shell(used.parent)("doctor", "--config", used, "--address", "http://127.0.0.1:1", "--json")
    names = [check["name"] for check in ran.json["checks"]]
    assert (names[0], names[-1]) == ("config", "connection")
    assert {"disk", "layout", "audit"} < set(names)
    assert ran.code == 1
