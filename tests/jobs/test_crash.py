"""Killed at every boundary, a job resumes where it was and ends once; a worker that lost its job writes nothing."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.jobs import JobCancelled, JobContext, Kind, cancel, enqueue
from strongroom.jobs.record import LEASE_SECONDS
from strongroom.storage.memory import MemoryStorage
from tests.jobs.house import House, Target, kind, turn
from tests.jobs.stores import Crash, CrashingStorage

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
