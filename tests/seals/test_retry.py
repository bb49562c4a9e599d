"""The steady back-off while a key service is away."""

import asyncio
import io
from pathlib import Path

import pytest

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.auto.transit import Transit
from strongroom.barrier.seal.sealing import Sealing
from strongroom.barrier.seal.unseal import Unsealer
from strongroom.clock import FakeClock
from strongroom.core.core import Core
from strongroom.errors import UpstreamFailed
from strongroom.framework.context import in_thread
from strongroom.sensitive import Sensitive
from strongroom.server.assembly import AUTH_METHODS, ENGINES
from strongroom.server.log import OperatorLog
from strongroom.server.seals import keep_alive, open_when_due
from strongroom.storage.memory import MemoryStorage
from strongroom.system.ceremonies import Ceremonies, Permissions
from strongroom.system.engine import system
from strongroom.system.exposition import text
from tests.suites.house import ListLog


def ceremonies(storage: MemoryStorage, clock: FakeClock, sealing: Sealing) -> Ceremonies:
    """The ceremonies of a node on this store."""
    barrier = Barrier(storage, clock)
    methods = {f"auth/{kind}": method for kind, method in AUTH_METHODS.items()}
    kinds = {"system": system(Permissions()), **ENGINES, **methods}
    return Ceremonies(Core(barrier, ListLog(), kinds, clock, in_thread), storage, barrier, "memory", sealing)


async def test_pauses_double_to_half_a_minute_and_stay_there(sealing: Sealing, key_file: Path) -> None:
    desk = ceremonies(MemoryStorage(), FakeClock(), sealing)
    core = desk.core
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
        assert "No such file" in desk.tending.health["keyfile"].why
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


async def test_a_node_opens_once_another_has_migrated_the_store(sealing: Sealing) -> None:
    """Until then it says once that a quorum is needed."""
    storage, clock = MemoryStorage(), FakeClock()
    shares, _ = await ceremonies(storage, clock, Sealing()).initialize(1, 1)
    desk = ceremonies(storage, clock, sealing)
    core, barrier = desk.core, desk.core.barrier
    desk.due.set()
    said, waits = io.StringIO(), 0

    async def wait(seconds: float) -> None:
        nonlocal waits
        waits += 1
        if waits == 3:
            other = Unsealer(storage, Barrier(storage, clock), sealing)
            await other.submit(shares[0], migrate=True)
        await asyncio.sleep(0)

    opened = asyncio.Event()

    async def tell() -> None:
        opened.set()

    core.openers[:] = [tell]
    task = asyncio.create_task(open_when_due(desk, OperatorLog(stream=said), wait))
    async with asyncio.timeout(10):
        await opened.wait()
        await core.expiry.stop()
    task.cancel()
    assert said.getvalue().count("a seal migration is pending") == 1
    assert not barrier.sealed


async def test_a_node_opens_once_another_has_initialised_the_store(sealing: Sealing) -> None:
    storage, clock = MemoryStorage(), FakeClock()
    desk, said, waits = ceremonies(storage, clock, sealing), io.StringIO(), list[float]()
    desk.due.set()
    opened = asyncio.Event()

    async def tell() -> None:
        opened.set()

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            await ceremonies(storage, clock, sealing).initialize(1, 1)
        await asyncio.sleep(0)

    desk.core.openers[:] = [tell]
    task = asyncio.create_task(open_when_due(desk, OperatorLog(stream=said), wait))
    async with asyncio.timeout(10):
        await opened.wait()
        await desk.core.expiry.stop()
    task.cancel()
    assert waits == [1, 2, 4]
    assert "does not open" not in said.getvalue()


async def test_the_metrics_tell_which_seal_would_open_the_store(sealing: Sealing, key_file: Path) -> None:
    desk = ceremonies(MemoryStorage(), FakeClock(), sealing)
    desk.core.services["ceremonies"] = desk
    await desk.initialize(1, 1)
    await desk.open()
    await desk.core.expiry.stop()
    await desk.tending.tend()
    assert b'strongroom_seal_healthy{seal="keyfile"} 1.0' in text(desk.core)
    await in_thread(key_file.unlink)
    await desk.tending.tend()
    assert b'strongroom_seal_healthy{seal="keyfile"} 0.0' in text(desk.core)


async def test_a_transit_token_that_is_not_renewed_is_told_once() -> None:
    said, waits = io.StringIO(), list[float]()

    def missing() -> Sensitive[str]:
        raise UpstreamFailed("no token for the seal")

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep_alive(Transit("http://127.0.0.1:9", "k", missing), OperatorLog(stream=said), wait)
    assert waits == [60, 60, 60]
    assert said.getvalue().count("was not renewed") == 1
