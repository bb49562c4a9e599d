"""A store that was sealed for a week is opened with 50,000 leases due: the server answers, the rest goes bit by bit."""

import asyncio
import time
import tracemalloc
from typing import ClassVar

import pytest

from strongroom.core import bootstrap, leases
from strongroom.core.expiry import AT_ONCE, BATCH
from strongroom.framework import Context, Lease
from tests.core.test_leases import Issuer
from tests.suites.house import House

DUE, WEEK = 50_000, 7 * 86400.0
READS, ENOUGH = 200, 20 * BATCH


class Counting(Issuer):
    """Counts what it is asked to revoke, altogether and at once; each takes a turn of the loop."""

    revoked: ClassVar[int] = 0
    now: ClassVar[int] = 0
    most: ClassVar[int] = 0
    reached: ClassVar[dict[int, asyncio.Event]] = {}

    async def revoke(self, ctx: Context, lease: Lease) -> None:
        Counting.now += 1
        Counting.most = max(Counting.most, Counting.now)
        await asyncio.sleep(0)
        Counting.now -= 1
        Counting.revoked += 1
        if Counting.revoked in Counting.reached:
            Counting.reached[Counting.revoked].set()


@pytest.fixture
async def house() -> House:
    Counting.revoked = Counting.now = Counting.most = 0
    Counting.reached = {count: asyncio.Event() for count in (BATCH, ENOUGH)}
    made = await House.opened(engines={"issuer": Counting()})
    await made.write("sys/mounts/db", {"type": "issuer"})
    return made


async def fill(house: House, count: int) -> None:
    """Leases of an hour, below the API, a thousand in a transaction."""
    mount, now = house.core.mounts["db/"], house.clock.now()
    for start in range(0, count, 1000):
        tx = house.core.barrier.begin()
        for number in range(start, start + 1000):
            lease = Lease(3600, 3600, True, {"name": str(number)})
            leases.register(tx, mount, f"db/creds/{number}", "", lease, now)
        await tx.commit()


async def left(house: House) -> int:
    return len(await leases.below(leases.view(house.core.barrier.begin()), "db/"))


@pytest.mark.slow
async def test_a_server_with_very_much_due_answers_at_once(house: House) -> None:
    await fill(house, DUE)
    await house.core.seal()
    house.clock.advance(WEEK)
    began = time.process_time()
    await house.unseal()
    assert time.process_time() - began < 1, "unsealing looked at what is due"
    assert Counting.revoked == 0
    house.core.expiry.start(lambda: bootstrap.upkeep(house.core))
    tracemalloc.start()
    await Counting.reached[BATCH].wait()
    first, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    for _ in range(READS):  # between any two of them the sweeper gets its turn
        before = Counting.revoked
        await house.read("sys/mounts")
        await asyncio.sleep(0)
        assert Counting.revoked - before <= BATCH
    await Counting.reached[ENOUGH].wait()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    await house.core.expiry.stop()
    assert Counting.most <= AT_ONCE
    assert peak - first < 8 * 2**20
    assert await left(house) == DUE - Counting.revoked
