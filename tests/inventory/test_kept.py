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
def test_a_killed_server_knows_every_acknowledged_value(shell: Shell, tmp_path: Path) -> None:
    """kill -9 right after the answer: what was acknowledged is found after the restart."""
    data = tmp_path / "data"
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
        text = "\n".join(value(number) for number in range(3))
        assert len(known(sr, "-", stdin=text)) == 3


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
