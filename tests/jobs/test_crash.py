"""Killed at every boundary, a job resumes where it was and ends once; a worker that lost its job writes nothing."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import UpstreamFailed
from strongroom.jobs import JobCancelled, JobContext, Kind, Timing, cancel, enqueue, schedules
from strongroom.jobs.record import LEASE_SECONDS
from strongroom.storage.contract import Conflict
from strongroom.storage.memory import MemoryStorage
from tests.jobs.house import House, Target, kind, turn
from tests.jobs.stores import Crash, CrashingStorage, YieldingStorage

# enqueue · claim · create · distribute · sleep · claim · note · retire · end
COMMITS = 9
STEPS = ("create", "distribute", "retire")


class Rotation:
    """A job with steps in the world, a change of the store, a sleep, and a step that dies half-done."""

    def __init__(self, storage: CrashingStorage, house: House) -> None:
        self.storage = storage
        self.house = house
        self.fall_in: str | None = None
        self.kind: Kind[Target] = kind(self.run, attempts=100)

    @classmethod
    async def opened(cls) -> "Rotation":
        storage = CrashingStorage(MemoryStorage())
        return cls(storage, await House.opened(storage))

    async def make(self, key: str) -> int:
        made = await self.house.world.make(key)
        if self.fall_in is not None and key.endswith(self.fall_in):
            self.fall_in = None
            self.storage.dead = True
            raise Crash
        return made

    async def run(self, ctx: JobContext, target: Target) -> None:
        first = await ctx.step("create", self.make, int)
        await ctx.step("distribute", self.make, int)
        await ctx.sleep(100)
        assert await ctx.change("note", self.note, int) == 1
        assert first == 1
        await ctx.step("retire", self.make, int)

    async def note(self, tx: BarrierTransaction) -> int:
        count = int(await tx.get("notes") or b"0") + 1
        tx.put("notes", str(count).encode())
        return count

    async def live(self, job: str) -> bool:
        """One life of a process: work until it dies, or the job has ended. True when it lived."""
        workers = self.house.workers(self.kind)
        try:
            for _ in range(20):
                if not await turn(workers):
                    self.house.clock.advance(LEASE_SECONDS)
                if not (await self.house.job(job)).active:
                    return True
        except Crash:
            self.storage.revive()
        return False

    async def check(self, job: str) -> None:
        ended = await self.house.job(job)
        assert ended.state == "done"
        assert set(self.house.world.made) == {f"{job}/{step}" for step in STEPS}
        assert await self.house.begin().get("notes") == b"1"
        rows = await self.house.begin().scan("jobs/")
        assert [row.split("/")[1] for row in rows] == ["ended", "job"]


@pytest.mark.parametrize("lands", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("commit", range(COMMITS))
async def test_killed_at_any_commit_it_ends_once(commit: int, lands: bool) -> None:
    rotation = await Rotation.opened()
    rotation.storage.arm(commit, lands=lands)
    tx = rotation.house.begin()
    job = await enqueue(tx, "test", Target(), now=rotation.house.clock.now())
    try:
        await tx.commit()
    except Crash:
        rotation.storage.revive()
        if not lands:
            assert not await rotation.house.begin().scan("jobs/")
            return
    lives = 1
    while not await rotation.live(job):
        lives += 1
    assert lives == (1 if commit == 0 else 2)
    await rotation.check(job)
    assert sum(rotation.house.world.asked.values()) <= len(STEPS) + 1


async def test_there_are_no_more_commits_than_those_killed_at() -> None:
    rotation = await Rotation.opened()
    rotation.storage.arm(COMMITS, lands=False)
    job = await rotation.house.enqueue("test")
    assert await rotation.live(job)
    assert rotation.storage.left == 0


@pytest.mark.parametrize("step", STEPS)
async def test_killed_between_a_deed_and_its_record_it_does_not_do_it_twice(step: str) -> None:
    rotation = await Rotation.opened()
    job = await rotation.house.enqueue("test")
    rotation.fall_in = step
    assert not await rotation.live(job)
    assert await rotation.live(job)
    await rotation.check(job)
    assert rotation.house.world.asked[f"{job}/{step}"] == 2


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(deaths=st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=12))
def test_killed_any_number_of_times_it_ends_once(deaths: list[tuple[int, bool]]) -> None:
    async def play() -> None:
        rotation = await Rotation.opened()
        job = await rotation.house.enqueue("test")
        for commits, lands in deaths:
            rotation.storage.arm(commits, lands=lands)
            if await rotation.live(job):
                break
        rotation.storage.revive()
        for _ in range(20):
            if await rotation.live(job):
                break
        await rotation.check(job)

    asyncio.run(play())


async def test_killed_while_undoing_it_goes_on_undoing() -> None:
    for commit in range(6):
        rotation = await Rotation.opened()
        house = rotation.house

        async def run(ctx: JobContext, target: Target, house: House = house) -> None:
            await ctx.step("create", house.world.make, int)
            try:
                await ctx.sleep(1000)
            except JobCancelled:
                await ctx.step("undo", house.world.make, int)
                raise

        rotation.kind = kind(run)
        job = await house.enqueue("test")
        await turn(house.workers(rotation.kind))
        await house.ask(cancel, job)
        rotation.storage.arm(commit, lands=commit % 2 == 0)
        while not await rotation.live(job):
            pass
        assert (await house.job(job)).state == "cancelled"
        assert set(house.world.made) == {f"{job}/create", f"{job}/undo"}


async def test_a_job_that_kills_its_worker_each_time_fails_in_the_end() -> None:
    rotation = await Rotation.opened()

    async def poison(ctx: JobContext, target: Target) -> None:
        rotation.storage.dead = True
        raise Crash

    rotation.kind = kind(poison, attempts=3)
    job = await rotation.house.enqueue("test")
    lives = 0
    while not await rotation.live(job):
        lives += 1
    ended = await rotation.house.job(job)
    assert (ended.state, ended.error, lives) == ("failed", "LeaseExpired", 3)


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
