"""Jobs in a whole server: they begin at unseal, are given back at seal, and go on after a restart."""

import asyncio
from pathlib import Path

import pytest

from strongroom.errors import Sealed
from strongroom.framework import Operation
from strongroom.jobs import Job, JobContext, enqueue, find
from tests.jobs.house import Target, World, finish_all, kind
from tests.system.test_backup import Desk


class Stubborn:
    """A job whose second step waits for a gate that only a later life opens."""

    def __init__(self) -> None:
        self.world = World()
        self.reached = asyncio.Event()
        self.gate = asyncio.Event()

    async def run(self, ctx: JobContext, target: Target) -> None:
        await ctx.step("create", self.world.make, int)
        await ctx.step("wait", self.wait)
        await ctx.step("retire", self.world.make, int)

    async def wait(self, _: str) -> None:
        self.reached.set()
        await self.gate.wait()


async def _begin(desk: Desk, stubborn: Stubborn) -> str:
    assert desk.house is not None
    core = desk.house.core
    core.services["jobs"].register(kind(stubborn.run, "stubborn"))
    tx = core.barrier.begin()
    job = await enqueue(tx, "stubborn", Target(), now=core.clock.now())
    await tx.commit()
    core.services["jobs"].wake()
    await asyncio.wait_for(stubborn.reached.wait(), 10)
    return job


async def _finish(desk: Desk, job: str) -> Job:
    assert desk.house is not None
    core = desk.house.core
    await finish_all(core.barrier.begin, core.services["jobs"])
    return await find(core.barrier.begin(), job)


async def test_a_seal_gives_jobs_back_and_an_unseal_takes_them_up(tmp_path: Path) -> None:
    desk, stubborn = Desk(tmp_path / "data"), Stubborn()
    await desk.open()
    job = await _begin(desk, stubborn)
    await desk.ask(Operation.WRITE, "sys/seal")
    with pytest.raises(Sealed):
        await desk.ask(Operation.READ, f"sys/jobs/{job}")
    stubborn.gate.set()
    await desk.ask(Operation.WRITE, "sys/unseal", key=desk.share)
    ended = await _finish(desk, job)
    assert (ended.state, ended.fence, ended.attempts) == ("done", 2, 0)
    assert set(stubborn.world.asked.values()) == {1}
    await desk.close()


async def test_a_stopped_server_goes_on_where_it_was(tmp_path: Path) -> None:
    desk, stubborn = Desk(tmp_path / "data"), Stubborn()
    await desk.open()
    job = await _begin(desk, stubborn)
    await desk.close()
    stubborn.gate.set()
    again = Desk(tmp_path / "data")
    again.share, again.token = desk.share, desk.token
    await again.open()
    assert again.house is not None
    again.house.core.services["jobs"].register(kind(stubborn.run, "stubborn"))
    # It may have been looked at before the kind was registered, and put off for a minute.
    again.house.core.clock.advance(61)  # type: ignore[attr-defined]  # a fake one
    ended = await _finish(again, job)
    assert ended.state == "done"
    assert set(stubborn.world.asked.values()) == {1}
    await again.close()
