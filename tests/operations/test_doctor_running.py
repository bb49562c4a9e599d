"""`strongroom doctor` on what a server tends by itself: the key service that opens it, and its backups."""

import time
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.server.process import start

pytestmark = pytest.mark.slow


def _checks(shell: Shell) -> dict[str, tuple[str, str]]:
    return {one["name"]: (one["state"], one["text"]) for one in shell("doctor", "--json").json["checks"]}


def _settled(shell: Shell, failures: int, made: int) -> None:
    for _ in range(600):
        shown = shell.ok("read", "sys/storage/backups", "--json").json["data"]
        if shown["failures"] == failures and bool(shown["last"]) == bool(made):
            return
        time.sleep(0.1)
    raise AssertionError(shown)


def test_key_services_and_backups_have_their_lines(tmp_path: Path) -> None:
    key, place = tmp_path / "seal.key", tmp_path / "backups"
    key.write_bytes(b"k" * 32)
    key.chmod(0o600)
    place.mkdir()
    file = tmp_path / "strongroom.toml"
    file.write_text(
        f'data = "{tmp_path}/data"\n[seal]\nkind = "keyfile"\nkey_file = "{key}"\n'
        f'[backup]\nto = "{place}"\nevery = "1d"\n'
    )
    file.chmod(0o600)
    with start("--config", file) as server:
        shell = Shell(tmp_path).to(server, "")
        token = shell.ok("operator", "init", "--json").json["root_token"]
        shell = shell.to(server, token)
        found = _checks(shell)
        assert found["key service"] == ("ok", "keyfile (keyfile) would open the store")
        assert found["backups"] == ("ok", "none was made yet")
        shell.ok("write", "-f", "sys/storage/backups")
        _settled(shell, 0, 1)
        assert _checks(shell)["backups"][1].endswith(f"s old, in {place}")
        place.rename(tmp_path / "away")
        shell.ok("write", "-f", "sys/storage/backups")
        _settled(shell, 1, 1)
        state, text = _checks(shell)["backups"]
        assert (state, text.startswith("1 failed in a row")) == ("warning", True)
        ordinary = shell.ok("token", "create", "--policy", "default", "--field", "token").out
        assert _checks(shell.to(server, ordinary))["backups"][0] == "skipped"
        assert server.stop() == 0
