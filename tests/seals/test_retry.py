"""The steady back-off while a key service is away."""

import asyncio
import io
from pathlib import Path

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.sealing import Sealing
from strongroom.clock import FakeClock
from strongroom.core.core import Core
from strongroom.framework.context import in_thread
from strongroom.server.assembly import AUTH_METHODS, ENGINES
from strongroom.server.log import OperatorLog
from strongroom.server.seals import open_when_due
from strongroom.storage.memory import MemoryStorage
from strongroom.system.ceremonies import Ceremonies, Permissions
from strongroom.system.engine import system
from tests.suites.house import ListLog


async def test_pauses_double_to_half_a_minute_and_stay_there(sealing: Sealing, key_file: Path) -> None:
    storage, clock = MemoryStorage(), FakeClock()
    barrier = Barrier(storage, clock)
    methods = {f"auth/{kind}": method for kind, method in AUTH_METHODS.items()}
    kinds = {"system": system(Permissions()), **ENGINES, **methods}
    core = Core(barrier, ListLog(), kinds, clock, in_thread)
    desk = Ceremonies(core, storage, barrier, "memory", sealing)
    assert not desk.due.is_set()
    await desk.initialize(1, 1)
    assert desk.due.is_set()
    away = key_file.with_name("away")
    await in_thread(key_file.rename, away)
    pauses: list[float] = []
    said = io.StringIO()
    opened = asyncio.Event()

    async def tell() -> None:
        opened.set()

    core.openers.append(tell)

    async def wait(seconds: float) -> None:
        pauses.append(seconds)
        assert core.sealed
        if len(pauses) == 8:
            await in_thread(away.rename, key_file)
        await asyncio.sleep(0)

    task = asyncio.create_task(open_when_due(desk, OperatorLog(stream=said), wait))
    async with asyncio.timeout(10):
        await opened.wait()
        await core.expiry.stop()
    await asyncio.sleep(0)
    task.cancel()
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert said.getvalue().count("the seal does not open yet") == 8
    assert "unsealed seal=keyfile" in said.getvalue()
    await core.seal()
    assert not desk.due.is_set()
