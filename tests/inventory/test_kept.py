"""A real server that is killed, restored and scanned beside: the index keeps up, and finds nothing by chance."""

import shutil
import signal
import sysconfig
from pathlib import Path

import pytest

from strongroom.framework import Operation
from tests.inventory.conftest import Shell
from tests.inventory.planted import value
from tests.inventory.scanner import Scanner
from tests.inventory.test_forms import known
from tests.server.process import start
from tests.system.test_backup import Desk


@pytest.mark.slow
def test_a_killed_server_and_a_restored_one_know_every_value(shell: Shell, tmp_path: Path) -> None:
    """kill -9 right after the answer: what was acknowledged is found after the restart, and in a backup's store."""
    data, restored = tmp_path / "data", tmp_path / "restored"
    text = "\n".join(value(number) for number in range(3))
    with start("--data", data) as server:
        sr = shell.to(server, "")
        made = sr.ok("operator", "init", "--shares", "1", "--threshold", "1", "--json").json
        share, token = made["keys"][0], made["root_token"]
        sr = shell.to(server, token)
        sr.ok("operator", "unseal", "-", stdin=share)
        sr.ok("secrets", "enable", "kv", "--path", "secret", "--version", "2")
        for number in range(3):
            sr.ok("kv", "put", f"secret/app{number}", "password=-", stdin=value(number))
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(20)
    with start("--data", data) as server:
        sr = shell.to(server, token)
        sr.ok("operator", "unseal", "-", stdin=share)
        assert len(known(sr, "-", stdin=text)) == 3
        sr.ok("operator", "backup", "-o", "one.backup")
        sr.ok("kv", "put", "secret/app0", "password=-", stdin=value("after the backup"))
    sr.ok("operator", "restore", "one.backup", "--data", restored)
    with start("--data", restored) as server:
        sr = shell.to(server, token)
        sr.ok("operator", "unseal", "-", stdin=share)
        sr.ok("kv", "put", "secret/app1", "password=-", stdin=value("since the restore"))
        lines = f"{text}\n{value('after the backup')}\n{value('since the restore')}"
        held = sorted(found["reasons"][0] for found in known(sr, "-", stdin=lines))
    assert held == [
        "is secret/app0 version 1, field password",
        "is secret/app1 version 1, field password",
        "is secret/app1 version 2, field password",
        "is secret/app2 version 1, field password",
    ]


async def test_new_key_shares_and_encryption_keys_leave_the_index_as_it_is(desk: Desk) -> None:
    await desk.ask(Operation.WRITE, "secret/data/app", data={"password": value("old keys")})
    await desk.ask(Operation.WRITE, "sys/rotate")
    begun = await desk.ask(Operation.WRITE, "sys/rekey/init", secret_shares=1, secret_threshold=1)
    made = await desk.ask(Operation.WRITE, "sys/rekey/update", key=desk.share, nonce=begun["nonce"])
    await desk.ask(Operation.WRITE, "secret/data/other", data={"password": value("new keys")})
    await desk.ask(Operation.WRITE, "sys/rotate")
    await desk.close()
    desk.share = made["keys"][0]
    await desk.open()
    found = await Scanner(desk).names(f"{value('old keys')} {value('new keys')}".encode())
    assert found == ["secret/app version 1, field password", "secret/other version 1, field password"]


async def test_a_copy_of_the_store_knows_what_the_store_knew(desk: Desk, tmp_path: Path) -> None:
    await desk.ask(Operation.WRITE, "secret/data/app", data={"password": value("copy")})
    await desk.ask(Operation.WRITE, "sys/seal")
    await desk.close()
    shutil.copytree(desk.data, tmp_path / "copy")
    copy = Desk(tmp_path / "copy")
    copy.share, copy.token = desk.share, desk.token
    await copy.open()
    found = await Scanner(copy).names(value("copy").encode())
    assert found == ["secret/app version 1, field password"]
    await copy.close()
    await desk.open()


@pytest.mark.slow
def test_nothing_is_found_by_chance(sr: Shell) -> None:
    """Five thousand values, over the sources of the standard library: each one found would be wrong."""
    for number in range(25):
        fields = {f"field{at}": value(f"chance {number} {at}") for at in range(200)}
        sr.ok("kv", "put", f"secret/chance{number}", "-", stdin=_json(fields))
    library = Path(sysconfig.get_paths()["stdlib"])
    assert known(sr, library / "email", library / "asyncio", library / "unittest", library / "json") == []


def _json(fields: dict[str, str]) -> str:
    return "{" + ",".join(f'"{name}": "{text}"' for name, text in fields.items()) + "}"
