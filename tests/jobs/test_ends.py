"""How jobs end: failures and retries, cancelling, resuming."""

import asyncio

import pytest

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import InvalidRequest, NotFound, UpstreamFailed
from strongroom.jobs import (
    Job,
    JobCancelled,
    JobContext,
    cancel,
    listed,
    resume,
    retry,
)
from tests.jobs.house import House, Target, finish, kind, turn
from tests.jobs.test_jobs import _steps


async def test_failures_back_off_up_to_a_limit_and_only_their_class_is_kept(house: House) -> None:
    async def fail(_: str) -> None:
        raise UpstreamFailed("the password hunter2 is wrong")

    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("create", house.world.make, int)
        await ctx.step("distribute", fail)

    workers = house.workers(kind(run, attempts=4, first_pause=10))
    job = await house.enqueue("test")
    pauses = []
    while (await house.job(job)).active:
        await turn(workers)
        found = await house.job(job)
        if found.active:
            pauses.append(found.due - house.clock.now())
            house.clock.advance(pauses[-1])
    assert [9 <= pauses[0] <= 10, 18 <= pauses[1] <= 20, 36 <= pauses[2] <= 40] == [True] * 3
    assert (found.state, found.error, found.failed_step) == ("failed", "UpstreamFailed", "distribute")
    stored = await house.begin().get(f"jobs/job/{job}")
    assert stored is not None
    assert b"hunter2" not in stored
    assert [listed.id for listed in (await listed_failed(house))] == [job]


async def listed_failed(house: House) -> list[Job]:
    return (await listed(house.begin(), state="failed")).jobs


async def test_retry_goes_on_at_the_step_that_failed(house: House) -> None:
    broken = True

    async def second(key: str) -> int:
        if broken:
            raise UpstreamFailed("down")
        return await house.world.make(key)

    async def run(ctx: JobContext, target: Target) -> None:
        first = await ctx.step("create", house.world.make, int)
        assert first == 1
        await ctx.step("distribute", second, int)

    workers = house.workers(kind(run, attempts=2))
    job = await house.enqueue("test")
    await finish(house, workers, [job])
    assert (await house.job(job)).state == "failed"
    broken = False
    await house.ask(retry, job)
    assert not await listed_failed(house)
    await finish(house, workers, [job])
    assert (await house.job(job)).state == "done"
    assert house.world.asked[f"{job}/create"] == 1
    with pytest.raises(InvalidRequest):
        await house.ask(retry, job)


async def test_a_step_that_succeeds_resets_the_count_of_failures(house: House) -> None:
    failures = iter([True, True, False, True, True, False, True, True, False])

    async def shaky(_: str) -> None:
        if next(failures):
            raise UpstreamFailed("down")

    async def run(ctx: JobContext, target: Target) -> None:
        for name in ("a", "b", "c"):
            await ctx.step(name, shaky)

    workers = house.workers(kind(run, attempts=3))
    job = await house.enqueue("test")
    await finish(house, workers, [job])
    assert (await house.job(job)).state == "done"


async def test_a_fatal_failure_ends_it_at_once_with_what_comes_with_the_end(house: House) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        raise InvalidRequest("no such role")

    async def incident(tx: BarrierTransaction, job: Job) -> None:
        tx.put(f"incident/{job.id}", job.error.encode())

    workers = house.workers(kind(run, fatal=(InvalidRequest,), failed=incident))
    job = await house.enqueue("test")
    await turn(workers)
    assert (await house.job(job)).state == "failed"
    assert await house.begin().get(f"incident/{job}") == b"InvalidRequest"


async def test_an_end_that_cannot_be_written_is_tried_again(house: House) -> None:
    calls = []

    async def run(ctx: JobContext, target: Target) -> None:
        raise InvalidRequest("no such role")

    async def incident(tx: BarrierTransaction, job: Job) -> None:
        calls.append(job.id)
        if len(calls) < 3:
            raise UpstreamFailed("not now")

    workers = house.workers(kind(run, attempts=1, failed=incident))
    job = await house.enqueue("test")
    for _ in range(20):
        await asyncio.gather(*await workers.turn(), return_exceptions=True)
        house.clock.advance(61)
    assert (await house.job(job)).state == "failed"
    assert len(calls) == 3


async def test_a_job_that_has_not_begun_is_cancelled_at_once(house: House) -> None:
    job = await house.enqueue("test", at=house.clock.now() + 1000)
    await house.ask(cancel, job)
    assert (await house.job(job)).state == "cancelled"
    with pytest.raises(InvalidRequest):
        await house.ask(cancel, job)
    with pytest.raises(NotFound):
        await house.ask(cancel, "nothing")


async def test_a_sleeping_job_is_cancelled_and_undoes_what_it_did(house: House) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("create", house.world.make, int)
        try:
            await ctx.sleep(1000, "grace")
            await ctx.step("retire", house.world.make, int)
        except JobCancelled:
            await ctx.step("undo", house.world.make, int)
            raise

    workers = house.workers(kind(run))
    job = await house.enqueue("test")
    await turn(workers)
    await house.ask(cancel, job)
    await turn(workers)
    assert (await house.job(job)).state == "cancelled"
    assert set(house.world.asked) == {f"{job}/create", f"{job}/undo"}


async def test_a_running_job_is_cancelled_before_its_next_step(house: House) -> None:
    async def create(key: str) -> int:
        await house.ask(cancel, key.partition("/")[0])
        return await house.world.make(key)

    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("create", create, int)
        await ctx.change("index", note)

    async def note(tx: BarrierTransaction) -> None:
        tx.put("index", b"1")

    workers = house.workers(kind(run))
    job = await house.enqueue("test")
    await turn(workers)
    found = await house.job(job)
    assert (found.state, [step.name for step in found.steps]) == ("cancelled", ["create"])
    assert await house.begin().get("index") is None


async def test_resume_ends_a_sleep(house: House) -> None:
    workers = house.workers(kind(lambda ctx, target: _steps(house, ctx, target)))
    job = await house.enqueue("test")
    await turn(workers)
    await house.ask(resume, job)
    await turn(workers)
    assert (await house.job(job)).state == "done"
    with pytest.raises(InvalidRequest):
        await house.ask(resume, job)
