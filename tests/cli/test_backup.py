"""`operator backup` and `restore`: online, consistent, checked, sealed; no token comes back unasked."""

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from strongroom.storage.backup import file as backup_file
from tests.cli.conftest import Shell
from tests.server.process import Server, ask, start

pytestmark = pytest.mark.slow

SHARES, THRESHOLD = "3", "2"
WRITERS = 16


class Vault:
    """A data directory, its keys, and shells on the server that runs on it."""

    def __init__(self, shell: Shell, data: Path) -> None:
        self.shell, self.data = shell, data
        self.keys: list[str] = []
        self.root = ""

    @contextmanager
    def running(self, data: Path | None = None) -> Iterator[tuple[Server, Shell]]:
        """The server, unsealed when the keys are known."""
        with start("--data", data or self.data) as server:
            admin = self.shell.to(server, self.root)
            if not self.keys:
                made = admin.ok(
                    "operator", "init", "--shares", SHARES, "--threshold", THRESHOLD, "--json"
                ).json
                self.keys, self.root = made["keys_base64"], made["root_token"]
                admin = self.shell.to(server, self.root)
            assert admin("status").code == 2
            for key in self.keys[:2]:
                admin.ok("operator", "unseal", "-", stdin=key)
            yield server, admin
            assert server.stop() == 0


@pytest.fixture
def vault(shell: Shell, tmp_path: Path) -> Vault:
    return Vault(shell, tmp_path / "data")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """A store with one secret, and a backup of it, made once: each test has a copy."""
    home = tmp_path_factory.mktemp("original")
    made = Vault(Shell(home), home / "data")
    with made.running() as (_, admin):
        admin.ok("secrets", "enable", "--path", "secret", "--version", "2", "kv")
        admin.ok("kv", "put", "secret/a", "value=canary-value", "--no-warn")
        admin.ok("operator", "backup", "-o", "one.backup")
    return made


@pytest.fixture
def backup(vault: Vault, original: Vault) -> Path:
    """A backup of the test's store, which has one secret."""
    shutil.copytree(original.data, vault.data)
    vault.keys, vault.root = original.keys, original.root
    return Path(shutil.copy2(original.shell.home / "one.backup", vault.shell.home))


def _write(server: Server, token: str, name: int, done: list[str], stop: threading.Event) -> None:
    connection = server.connect()
    number = 0
    while not stop.is_set():
        path = f"w{name}-{number}"
        status, _ = ask(connection, "POST", f"/v1/secret/data/{path}", token, data={"value": path})
        assert status == 200
        done.append(path)
        number += 1
    connection.close()


def test_a_backup_under_sixteen_writers_holds_all_that_was_acknowledged_before(
    vault: Vault, tmp_path: Path
) -> None:
    done: list[str] = []
    stop = threading.Event()
    with vault.running() as (server, admin):
        admin.ok("secrets", "enable", "--path", "secret", "--version", "2", "kv")
        writers = [
            threading.Thread(target=_write, args=(server, vault.root, name, done, stop))
            for name in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        while len(done) < 200:
            stop.wait(0.01)
        before = list(done)
        told = admin.ok("operator", "backup", "-o", "busy.backup", "--json").json
        stop.set()
        for writer in writers:
            writer.join()
    assert told["audit_entries"] > len(before)
    vault.shell.ok("operator", "restore", "busy.backup", "--data", tmp_path / "again")
    with vault.running(tmp_path / "again") as (server, admin):
        connection = server.connect()
        for path in before:
            status, body = ask(connection, "GET", f"/v1/secret/data/{path}", vault.root)
            assert (status, body["data"]["data"]) == (200, {"value": path})
        connection.close()
        assert admin.ok("doctor", "--storage").code == 0


def test_a_backup_holds_no_plaintext_and_is_its_owners_alone(backup: Path, vault: Vault) -> None:
    content = backup.read_bytes()
    assert backup.stat().st_mode & 0o777 == 0o600
    assert b"canary-value" not in content
    assert vault.root.encode() not in content
    assert not list(vault.data.glob("backup/*"))
    assert not list(backup.parent.glob(".*.partial"))


def test_the_header_tells_where_the_audit_log_was(backup: Path) -> None:
    head = backup.read_bytes().split(b"\n", 1)[1]
    header = json.loads(head[4 : 4 + int.from_bytes(head[:4])])
    assert header["version"] == 1
    assert header["audit_checkpoint"].splitlines()[1] == str(header["audit_entries"])


@pytest.mark.parametrize("place", [0.0, 0.001, 0.3, 0.7, 0.999])
def test_a_flipped_byte_is_refused(backup: Path, shell: Shell, tmp_path: Path, place: float) -> None:
    content = bytearray(backup.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    (tmp_path / "bad").write_bytes(content)
    ran = shell("operator", "restore", tmp_path / "bad", "--data", tmp_path / "new")
    assert ran.code == 2
    assert "was not restored" in ran.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("left", [0, 10, 100, 5000, -1])
def test_a_file_that_is_cut_off_is_refused(backup: Path, shell: Shell, tmp_path: Path, left: int) -> None:
    content = backup.read_bytes()
    (tmp_path / "bad").write_bytes(content[:left])
    ran = shell("operator", "restore", tmp_path / "bad", "--data", tmp_path / "new" / "deep")
    assert ran.code == 2
    assert not (tmp_path / "new").exists()


def test_a_restore_that_fails_late_puts_back_what_it_set_aside(backup: Path, vault: Vault) -> None:
    """The file is whole, but what it holds is no store: only the copying finds that out."""
    snapshot = b"no store at all" * 1000
    header = {"sha256": hashlib.sha256(snapshot).hexdigest(), "size_bytes": len(snapshot)}
    backup_file.write(vault.shell.home / "odd.backup", backup_file.Packed(header, [snapshot]))
    before = sorted(path.name for path in vault.data.iterdir())
    arguments = ("operator", "restore", "odd.backup", "--force", "--yes", "--data")
    ran = vault.shell(*arguments, vault.data)
    assert (ran.code, "was not restored" in ran.err) == (2, True)
    assert sorted(path.name for path in vault.data.iterdir()) == before
    assert vault.shell(*arguments, vault.shell.home / "fresh").code == 2
    assert not (vault.shell.home / "fresh").exists()
    with vault.running() as (_, admin):
        assert admin.ok("kv", "get", "--field", "value", "secret/a").out == "canary-value"


def test_a_backup_never_overwrites(backup: Path, vault: Vault) -> None:
    before = backup.read_bytes()
    ran = vault.shell("operator", "backup", "-o", backup, "--data", vault.data)
    assert ran.code == 2
    assert "never overwrites" in ran.err
    assert backup.read_bytes() == before


def test_a_stopped_server_is_backed_up_from_its_directory(backup: Path, vault: Vault, tmp_path: Path) -> None:
    told = vault.shell.ok("operator", "backup", "-o", "cold.backup", "--data", vault.data, "--json").json
    assert told["audit_entries"] > 0
    vault.shell.ok("operator", "restore", "cold.backup", "--data", tmp_path / "cold")
    with vault.running(tmp_path / "cold") as (_, admin):
        assert admin.ok("kv", "get", "--field", "value", "secret/a").out == "canary-value"


def test_a_running_server_is_neither_copied_from_below_nor_replaced(backup: Path, vault: Vault) -> None:
    with vault.running() as (_, admin):
        ran = admin("operator", "backup", "-o", "below.backup", "--data", vault.data)
        assert ran.code == 2
        assert "is running" in ran.err
        ran = admin("operator", "restore", backup, "--data", vault.data, "--force", "--yes")
        assert ran.code == 2
        assert "is running" in ran.err
        assert admin.ok("kv", "get", "--field", "value", "secret/a").out == "canary-value"


def test_a_directory_that_is_not_empty_is_refused_and_with_force_set_aside(
    backup: Path, vault: Vault
) -> None:
    ran = vault.shell("operator", "restore", backup, "--data", vault.data)
    assert ran.code == 2
    assert "is not empty" in ran.err
    assert vault.shell("operator", "restore", backup, "--data", vault.data, "--force").code == 2
    assert (
        "nothing was changed"
        in vault.shell.ok("operator", "restore", backup, "--data", vault.data, "--force", "--dry-run").err
    )
    ran = vault.shell.ok("operator", "restore", backup, "--data", vault.data, "--force", "--yes")
    assert "valid again" in ran.err
    aside = next(vault.data.glob("before-restore-*"))
    assert (aside / "store.db").is_file()
    assert (aside / "audit").is_dir()
    with vault.running() as (_, admin):
        assert admin.ok("kv", "get", "--field", "value", "secret/a").out == "canary-value"


def test_tokens_revoked_since_are_alive_again_unless_all_are_revoked(vault: Vault, tmp_path: Path) -> None:
    with vault.running() as (_, admin):
        token = admin.ok("token", "create", "--field", "token").out
        admin.ok("operator", "backup", "-o", "t.backup")
        admin.ok("token", "revoke", "--yes", "-", stdin=token)
        assert admin("token", "lookup", "-", stdin=token).code == 1
    vault.shell.ok("operator", "restore", "t.backup", "--data", tmp_path / "alive")
    with vault.running(tmp_path / "alive") as (_, admin):
        admin.ok("token", "lookup", "-", stdin=token)
    vault.shell.ok("operator", "restore", "t.backup", "--data", tmp_path / "none", "--revoke-all")
    for _ in range(2):
        with vault.running(tmp_path / "none") as (server, admin):
            assert admin("whoami").code == 3
            assert vault.shell.to(server, token)("whoami").code == 3


def test_a_backup_takes_the_sudo_capability(vault: Vault) -> None:
    with vault.running() as (server, admin):
        admin.ok(
            "policy",
            "write",
            "b",
            "-",
            stdin='path "sys/storage/*" { capabilities = ["update", "read", "delete"] }',
        )
        token = admin.ok("token", "create", "--policy", "b", "--field", "token").out
        ran = vault.shell.to(server, token)("operator", "backup", "-o", "no.backup")
        assert ran.code == 5
        assert "sudo" in ran.err
        assert not (vault.shell.home / "no.backup").exists()


def test_a_store_in_memory_has_no_backup(sr: Shell) -> None:
    ran = sr("operator", "backup", "-o", "x.backup")
    assert ran.code == 2
    assert "in memory" in ran.err
