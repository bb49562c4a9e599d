"""Workers that race, stall, stop or meet a store that fails."""

import asyncio

import pytest

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import UpstreamFailed
from strongroom.jobs import JobContext, Timing, cancel, schedules, still_ours
from strongroom.jobs.record import LEASE_SECONDS
from strongroom.storage.contract import Conflict
from strongroom.storage.memory import MemoryStorage
from tests.jobs.house import House, Target, kind, turn
from tests.jobs.stores import YieldingStorage


@pytest.mark.parametrize("seed", range(5))
async def test_workers_racing_for_jobs_run_each_once(seed: int) -> None:
    house = await House.opened(YieldingStorage(MemoryStorage(), seed))

    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("create", house.world.make, int)

    racers = [house.workers(kind(run)) for _ in range(3)]
    jobs = [await house.enqueue("test") for _ in range(100)]
    begun = 0
    for _ in range(10):
        legs = await asyncio.gather(*(workers.turn() for workers in racers))
        await asyncio.gather(*(leg for each in legs for leg in each))
        begun += sum(map(len, legs))
    assert begun > len(jobs)  # some legs met a rival and gave up
    assert {(await house.job(job)).state for job in jobs} == {"done"}
    assert {(await house.job(job)).fence for job in jobs} == {1}
    assert set(house.world.asked.values()) == {1}


async def test_a_process_that_is_alone_takes_over_at_once(house: House) -> None:
    gate = asyncio.Event()

    async def wait(_: str) -> None:
        await gate.wait()

    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("wait", wait)

    job = await house.enqueue("test")
    first, second, third = (house.workers(kind(run)) for _ in range(3))
    legs = await first.turn()
    await asyncio.sleep(0)
    await second.start()
    assert not await second.turn()
    await second.stop()
    await third.start(alone=True)
    while (await house.job(job)).fence < 2:  # noqa: ASYNC110 - the workers tell nobody
        await asyncio.sleep(0)
    gate.set()
    while (await house.job(job)).active:  # noqa: ASYNC110 - same
        await asyncio.sleep(0)
    await third.stop()
    await asyncio.gather(*legs)
    found = await house.job(job)
    assert (found.state, found.fence) == ("done", 2)


async def test_a_stalled_worker_that_wakes_up_writes_nothing(house: House) -> None:
    stall = asyncio.Event()
    stalls = iter([True, False])

    async def create(key: str) -> int:
        if next(stalls):
            await stall.wait()
            await house.world.make(key)
            return 999
        return await house.world.make(key)

    async def write(tx: BarrierTransaction) -> None:
        tx.put("written-by", str(seen[-1]).encode())

    seen: list[int] = []

    async def run(ctx: JobContext, target: Target) -> None:
        seen.append(await ctx.step("create", create, int))
        await ctx.change("write", write)

    job = await house.enqueue("test")
    first, second = house.workers(kind(run)), house.workers(kind(run))
    stalled = await first.turn()
    await asyncio.sleep(0)
    house.clock.advance(LEASE_SECONDS + 1)
    await turn(second)
    assert (await house.job(job)).state == "done"
    before = await house.begin().scan("")
    stall.set()
    await asyncio.gather(*stalled)
    assert await house.begin().scan("") == before
    assert seen == [1]
    assert await house.begin().get("written-by") == b"1"
    assert len(house.world.made) == 1


async def test_a_stalled_worker_that_wakes_up_touches_the_world_no_more(house: House) -> None:
    stall = asyncio.Event()
    stalls = iter([True, False])

    async def create(key: str) -> int:
        if next(stalls):
            await stall.wait()
        await still_ours()
        return await house.world.make(key)

    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("create", create, int)

    job = await house.enqueue("test")
    first, second = house.workers(kind(run)), house.workers(kind(run))
    stalled = await first.turn()
    await asyncio.sleep(0)
    house.clock.advance(LEASE_SECONDS + 1)
    await turn(second)
    stall.set()
    await asyncio.gather(*stalled)
    assert (await house.job(job)).state == "done"
    assert list(house.world.asked.values()) == [1]


async def test_a_stalled_worker_whose_job_nobody_took_goes_on(house: House) -> None:
    async def create(key: str) -> int:
        house.clock.advance(LEASE_SECONDS + 1)
        await still_ours()
        assert not await second.turn()
        return await house.world.make(key)

    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("create", create, int)

    job = await house.enqueue("test")
    first, second = house.workers(kind(run)), house.workers(kind(run))
    await turn(first)
    found = await house.job(job)
    assert (found.state, found.fence) == ("done", 1)
    assert list(house.world.asked.values()) == [1]
    await still_ours()  # outside of jobs there is nothing to lose


async def test_a_heartbeat_keeps_a_long_step_and_ends_a_lost_one(house: House) -> None:
    gate = asyncio.Event()

    async def wait(_: str) -> None:
        await gate.wait()

    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("wait", wait)

    job = await house.enqueue("test")
    first, second = house.workers(kind(run)), house.workers(kind(run))
    legs = await first.turn()
    await asyncio.sleep(0)
    for _ in range(10):
        house.clock.advance(LEASE_SECONDS * 0.9)
        await first.beat()
        assert not await second.turn()
    house.clock.advance(LEASE_SECONDS + 1)
    taken = await second.turn()
    await asyncio.sleep(0)
    await first.beat()
    assert (await asyncio.gather(*legs, return_exceptions=True))[0].__class__ is asyncio.CancelledError
    gate.set()
    await asyncio.gather(*taken)
    found = await house.job(job)
    assert (found.state, found.fence) == ("done", 2)


async def test_a_handler_cannot_go_on_after_its_sleep_began(house: House) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        try:
            await ctx.sleep(10)
        except BaseException:
            await ctx.step("too soon", house.world.make, int)

    job = await house.enqueue("test")
    await turn(house.workers(kind(run)))
    assert (await house.job(job)).state == "sleeping"


async def test_stopping_gives_the_jobs_back_without_counting_a_failure(house: House) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("create", house.world.make, int)
        await asyncio.Event().wait()

    workers = house.workers(kind(run))
    job = await house.enqueue("test")
    await workers.start()
    await house.world.touched.wait()
    await workers.stop()
    found = await house.job(job)
    assert (found.state, found.attempts, found.due) == ("waiting", 0, house.clock.now())


async def test_a_barrier_that_is_sealed_ends_the_work(house: House) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        house.barrier.seal()
        await ctx.step("create", house.world.make, int)

    workers = house.workers(kind(run))
    await house.enqueue("test")
    await workers.start()
    for _ in range(1000):
        await asyncio.sleep(0)
    assert house.barrier.sealed
    assert not house.world.made
    await workers.stop()


async def test_the_loop_goes_on_after_a_store_that_fails(house: House) -> None:
    down = True

    def begin() -> BarrierTransaction:
        if down:
            raise UpstreamFailed("the store does not answer")
        return house.begin()

    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("create", house.world.make, int)

    workers = house.workers(kind(run))
    workers._begin = begin
    await house.enqueue("test")
    await workers.start()
    for _ in range(10):
        await asyncio.sleep(0)
    down = False
    workers.wake()
    await house.world.touched.wait()
    await workers.stop()


async def test_what_does_not_authenticate_hinders_no_other_job(house: House) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("create", house.world.make, int)

    damaged = [await house.enqueue("test") for _ in range(5)]
    tx = house.begin()
    await schedules.put(tx, "s", "test", Target(), Timing(interval=60), now=house.clock.now())
    await tx.commit()
    house.clock.advance(60)
    raw = house.storage.begin()
    for key in (*(f"jobs/job/{job}" for job in damaged), "jobs/schedule/s"):
        raw.put(key, b"\x01\0\0\0\x01" + b"x" * 60)
    await raw.commit()
    job = await house.enqueue("test")
    workers = house.workers(kind(run), slots=2)
    for _ in range(4):
        await asyncio.gather(*await workers.turn(), return_exceptions=True)
    assert (await house.job(job)).state == "done"
    assert not await workers.turn()


@pytest.mark.parametrize("moment", [0.0004, 0.1239, 0.9069999, 0.9996])
async def test_times_between_milliseconds_are_no_trap(house: House, moment: float) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.sleep(1 + moment)
        await ctx.sleep(0)

    house.clock.advance(moment)
    job = await house.enqueue("test")
    workers = house.workers(kind(run))
    assert await turn(workers) == 1
    house.clock.advance((await house.job(job)).due - house.clock.now() + 1e-6)
    assert await turn(workers) == 1
    assert (await house.job(job)).state == "done"


@pytest.mark.parametrize("seed", range(10))
async def test_a_claim_and_a_cancel_at_once(seed: int) -> None:
    house = await House.opened(YieldingStorage(MemoryStorage(), seed))

    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.sleep(1)

    job = await house.enqueue("test")
    workers = house.workers(kind(run))
    legs = await workers.turn()
    await asyncio.sleep(0)
    while True:
        try:
            await house.ask(cancel, job)
        except Conflict:
            continue
        break
    await asyncio.gather(*legs)
    await turn(workers)
    assert (await house.job(job)).state == "cancelled"
