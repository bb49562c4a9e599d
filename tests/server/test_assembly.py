"""Assembly in this process: what is refused, what development mode opens, the bounded pool."""

import asyncio
import io
import subprocess
import sys
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from strongroom.api.exchange import Call, Headers
from strongroom.clock import FakeClock
from strongroom.errors import RateLimited
from strongroom.server.address import bind, parse
from strongroom.server.assembly import AUTH_METHODS, ENGINES, open_house
from strongroom.server.config import Audit, Config, Device, Proxy, Storage
from strongroom.server.dev import open_for_development
from strongroom.server.hardening import dumpable
from strongroom.server.log import OperatorLog
from strongroom.server.pool import Pool
from strongroom.server.problems import StartFailed

MEMORY = Config(storage=Storage(kind="memory"))


async def test_development_mode_opens_a_house_through_its_door() -> None:
    async with AsyncExitStack() as stack:
        house = await open_house(MEMORY, FakeClock(), OperatorLog(), stack)
        assert house.core.sealed
        opened = await open_for_development(house.core.handle, "chosen")
        assert not house.core.sealed
        assert opened.root_token.reveal() == "chosen"
        headers = Headers({"x-vault-token": "chosen"})
        answer = await house.api.answer(Call("GET", b"/v1/sys/mounts/secret", b"", headers))
        assert answer.status == 200
        assert (await house.ceremonies.unsealer.status()).shares == 1
        assert "chosen" not in repr(opened)


async def test_a_device_whose_far_end_is_gone_is_told_of_everywhere(tmp_path: Path) -> None:
    """In the operator's log, at `sys/audit-log/devices` and in the metrics."""
    device = Device("siem", "socket", {"address": str(tmp_path / "gone"), "socket_type": "unix"})
    settings = Audit(devices=(device,), outbound=(f"unix:{tmp_path}/gone",))
    said = Lines()
    async with AsyncExitStack() as stack:
        config = Config(storage=Storage(kind="memory"), audit=settings)
        house = await open_house(config, FakeClock(), OperatorLog(stream=said), stack)
        await open_for_development(house.core.handle, "root")
        line = await said.next()
        assert "an audit device takes no entries" in line
        assert 'device=siem/ why="No such file or directory"' in line

        async def read(path: bytes) -> bytes:
            return (await house.api.answer(Call("GET", path, b"", Headers({"x-vault-token": "root"})))).body

        status = msgspec.json.decode(await read(b"/v1/sys/audit-log/devices"))["data"]["siem/"]
        assert (status["position"], status["error"]) == (0, "No such file or directory")
        assert status["lag"] > 0 < status["failures"]
        assert b'strongroom_audit_device_lag{device="siem/"}' in await read(b"/v1/sys/metrics")


class Lines(io.StringIO):
    """An operator's log whose lines can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: asyncio.Queue[str] = asyncio.Queue()

    def write(self, line: str) -> int:
        self._lines.put_nowait(line)
        return len(line)

    async def next(self) -> str:
        return await self._lines.get()


async def test_every_kind_is_mountable_by_its_name() -> None:
    async with AsyncExitStack() as stack:
        house = await open_house(MEMORY, FakeClock(), OperatorLog(), stack)
        assert {
            "system",
            "inventory",
            "rotation",
            "findings",
            "incidents",
            *ENGINES,
            *(f"auth/{kind}" for kind in AUTH_METHODS),
        } == set(house.core.engines)


@pytest.mark.parametrize(
    "wrong",
    [
        Config(storage=Storage(kind="memory"), proxy=Proxy(trusted=("10.0.0.1/8",))),
        Config(storage=Storage(kind="memory"), audit=Audit(devices=(Device("f", "file"),))),
        Config(
            storage=Storage(kind="memory"),
            audit=Audit(devices=(Device("f", "file", {"file_path": "/etc/passwd"}),)),
        ),
        Config(data="/proc/nowhere"),
    ],
)
async def test_what_cannot_be_assembled_is_refused(wrong: Config) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(StartFailed):
            await open_house(wrong, FakeClock(), OperatorLog(), stack)


async def test_a_file_in_place_of_the_audit_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("in the way")
    async with AsyncExitStack() as stack:
        with pytest.raises(StartFailed, match="cannot open the audit log"):
            await open_house(Config(data=str(tmp_path)), FakeClock(), OperatorLog(), stack)


async def test_the_pool_refuses_what_would_wait_too_long() -> None:
    pool, gate = Pool(1), threading.Event()
    running = [asyncio.create_task(pool.run(gate.wait)) for _ in range(257)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited):
        await pool.run(str, 1)
    gate.set()
    assert all(await asyncio.gather(*running))
    assert await pool.run(str, 1) == "1"
    pool.close()


def test_a_server_starts_without_the_clients_and_drivers_that_it_may_never_need() -> None:
    unneeded = {"httpx", "psycopg", "pymysql", "pkcs11", "prometheus_client", "hyperscan", "rich", "click"}
    code = f"import sys, strongroom.server.run; print(sorted({unneeded!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_an_address_is_bound_once() -> None:
    with bind(parse("127.0.0.1:0")) as taken:
        taken.listen()
        with pytest.raises(StartFailed, match="Address already in use"):
            bind(parse(f"127.0.0.1:{taken.getsockname()[1]}"))


def test_dumping_is_asked_of_the_system() -> None:
    assert isinstance(dumpable(), bool)
