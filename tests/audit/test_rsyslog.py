"""The syslog device against Debian's rsyslog, over TCP, UDP and its local socket."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from strongroom.audit.devices.options import DevicePolicy
from strongroom.audit.devices.outbound import Outbound
from strongroom.audit.sinks import DEVICES
from strongroom.clock import FakeClock
from tests.suites.audit import line

from .collectors import free_port

CONFIGURATION = """
global(workDirectory="{dir}" maxMessageSize="256k" parser.escapeControlCharactersOnReceive="off")
module(load="imtcp")
module(load="imudp")
module(load="imuxsock" sysSock.use="off")
input(type="imtcp" port="{port}" address="127.0.0.1")
input(type="imudp" port="{port}" address="127.0.0.1")
input(type="imuxsock" socket="{dir}/log" ignoreTimestamp="off" useSpecialParser="off" parseHostname="on")
template(name="fields" type="string" string="%app-name%|%msgid%|%syslogfacility-text%|%timereported:::date-rfc3339%|%msg%\\n")
action(type="omfile" file="{dir}/out" template="fields")
"""


async def until(ready: Callable[[], bool]) -> None:
    """Wait for another process."""
    async with asyncio.timeout(15):
        while not ready():  # noqa: ASYNC110 - it sets no event of ours
            await asyncio.sleep(0.02)


def rows(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


@pytest.fixture
async def rsyslog(tmp_path: Path) -> AsyncIterator[tuple[Path, int]]:
    program = shutil.which("rsyslogd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None
    port = free_port()
    configuration = tmp_path / "rsyslog.conf"
    configuration.write_text(CONFIGURATION.format(dir=tmp_path, port=port))
    command = [program, "-n", "-f", str(configuration), "-i", str(tmp_path / "pid")]
    daemon = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    await until(lambda: (tmp_path / "log").is_socket() and listens(port))
    yield tmp_path, port
    daemon.terminate()
    await daemon.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
@pytest.mark.component("rsyslog")
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{port}", "udp://127.0.0.1:{port}", "unix://{dir}/log"])
async def test_rsyslog_reads_every_field_and_line(rsyslog: tuple[Path, int], address: str) -> None:
    directory, port = rsyslog
    policy = DevicePolicy(Outbound(["127.0.0.1", f"unix:{directory}/log"]), FakeClock())
    options = {"address": address.format(dir=directory, port=port), "facility": "LOCAL3", "tag": "vault-1"}
    device = DEVICES["syslog"](options, policy)
    lines = [line(number, 20_000 if number == 7 else 50) for number in range(100)]
    await device.deliver(lines)
    await until(lambda: len(rows(directory / "out")) >= 100)
    found = rows(directory / "out")
    assert [row.split(b"|", 4)[4].lstrip() for row in found] == lines
    assert found[0].split(b"|")[:3] == [b"vault-1", b"request", b"local3"]
    assert found[0].split(b"|")[3].startswith(b"2026-01-02T03:04:05.123456")
    await device.close()
