"""A job's life: enqueued with its cause, memoised steps, sleeps, retries, cancel, resume, retry."""

import asyncio

import pytest
from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import InvalidRequest, NotFound, UpstreamFailed
from strongroom.jobs import (
    JobContext,
    enqueue,
    find,
    listed,
    record,
    schedules,
    tidy,
)
from strongroom.jobs.record import DAY
from strongroom.sensitive import Sensitive
from strongroom.storage.contract import Conflict
from tests.jobs.house import House, Target, finish, kind, turn


class Account(Struct, frozen=True):
    name: str
    number: int


async def _steps(house: House, ctx: JobContext, target: Target) -> None:
    first = await ctx.step("create", house.world.make, int)
    account = await ctx.step("describe", lambda _: _account(target.name, first), Account)
    await ctx.sleep(100)
    assert account == Account(target.name, first)
    await ctx.step("retire", house.world.make, int)


async def _account(name: str, number: int) -> Account:
    return Account(name, number)


async def test_a_job_runs_its_steps_once_and_sleeps_in_between(house: House) -> None:
    workers = house.workers(kind(lambda ctx, target: _steps(house, ctx, target)))
    job = await house.enqueue("test", Target("pg"))
    assert await turn(workers) == 1
    assert (await house.job(job)).state == "sleeping"
    assert await turn(workers) == 0
    house.clock.advance(101)
    assert await turn(workers) == 1
    done = await house.job(job)
    assert done.state == "done"
    assert [step.name for step in done.steps] == ["create", "describe", "sleep#1", "retire"]
    assert house.world.asked == {f"{job}/create": 1, f"{job}/retire": 1}


async def test_the_end_erases_the_results(house: House) -> None:
    workers = house.workers(kind(lambda ctx, target: _steps(house, ctx, target)))
    job = await house.enqueue("test")
    await turn(workers)
    assert await record.view(house.begin()).keys(f"result/{job}/")
    await finish(house, workers, [job])
    assert not await record.view(house.begin()).keys(f"result/{job}/")


async def test_a_job_comes_with_its_cause_or_not_at_all(house: House) -> None:
    tx = house.begin()
    tx.put("cause", b"1")
    await enqueue(tx, "test", Target(), now=house.clock.now())
    assert not (await listed(house.begin())).jobs
    await tx.commit()
    assert len((await listed(house.begin())).jobs) == 1
    late = house.begin()
    await late.get("cause")
    await enqueue(late, "test", Target(), now=house.clock.now())
    other = house.begin()
    other.put("cause", b"2")
    await other.commit()
    with pytest.raises(Conflict):
        await late.commit()
    assert len((await listed(house.begin())).jobs) == 1


async def test_a_key_names_one_job(house: House) -> None:
    first = await house.enqueue("test", key="db/app v3")
    assert await house.enqueue("test", key="db/app v3") == first
    assert await house.enqueue("test", key="db/app v4") != first
    assert await house.enqueue("other", key="db/app v3") != first
    one, two = house.begin(), house.begin()
    for tx in (one, two):
        await enqueue(tx, "test", Target(), now=house.clock.now(), key="new")
    await one.commit()
    with pytest.raises(Conflict):
        await two.commit()


async def test_a_secret_is_no_argument(house: House) -> None:
    class Careless(Struct):
        password: Sensitive[str]

    with pytest.raises(TypeError):
        await enqueue(house.begin(), "test", Careless(Sensitive("hunter2")), now=0)


async def test_a_job_waits_for_its_time(house: House) -> None:
    async def nothing(ctx: JobContext, target: Target) -> None:
        """Ends at once."""

    workers = house.workers(kind(nothing))
    job = await house.enqueue("test", at=house.clock.now() + 50)
    assert await turn(workers) == 0
    house.clock.advance(50)
    assert await turn(workers) == 1
    assert (await house.job(job)).state == "done"


async def test_a_change_and_its_record_are_one(house: House) -> None:
    async def count(tx: BarrierTransaction) -> int:
        number = int(await tx.get("count") or b"0") + 1
        tx.put("count", str(number).encode())
        return number

    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.change("count", count, int)
        raise UpstreamFailed("down")

    workers = house.workers(kind(run, attempts=5))
    jobs = [await house.enqueue("test") for _ in range(10)]
    await finish(house, workers, jobs)
    assert await house.begin().get("count") == b"10"


@pytest.mark.parametrize("name", ["", "two words", "x" * 101, "a/b"])
async def test_a_step_has_a_short_name(house: House, name: str) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step(name, house.world.make, int)

    workers = house.workers(kind(run, fatal=(ValueError,)))
    job = await house.enqueue("test")
    await turn(workers)
    assert (await house.job(job)).error == "ValueError"
    assert not house.world.asked


async def test_a_steps_name_is_its_own(house: House) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("create", house.world.make, int)
        await ctx.step("create", house.world.make, int)

    workers = house.workers(kind(run, fatal=(ValueError,)))
    job = await house.enqueue("test")
    await turn(workers)
    assert (await house.job(job)).state == "failed"


async def test_a_result_says_its_type(house: House) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.step("create", house.world.make)  # type: ignore[arg-type]  # the mistake

    workers = house.workers(kind(run, fatal=(TypeError,)))
    job = await house.enqueue("test")
    await turn(workers)
    assert (await house.job(job)).error == "TypeError"


async def test_a_run_has_a_time_limit(house: House) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        await asyncio.Event().wait()

    workers = house.workers(kind(run, time_limit=0.01, attempts=1))
    job = await house.enqueue("test")
    await turn(workers)
    assert (await house.job(job)).error == "TimeoutError"


async def test_a_kind_nobody_knows_waits_for_a_release_that_does(house: House) -> None:
    async def nothing(ctx: JobContext, target: Target) -> None:
        """Ends at once."""

    job = await house.enqueue("newer")
    await turn(house.workers())
    found = await house.job(job)
    assert (found.state, found.error) == ("waiting", "UnknownKind")
    house.clock.advance(61)
    await turn(house.workers(kind(nothing, "newer")))
    assert (await house.job(job)).state == "done"


async def test_lists_by_state_and_kind_page_by_page(house: House) -> None:
    async def run(ctx: JobContext, target: Target) -> None:
        if target.name == "bad":
            raise InvalidRequest("no")

    workers = house.workers(kind(run, fatal=(InvalidRequest,)))
    for number in range(7):
        house.clock.advance(1)
        await house.enqueue("test", Target("bad" if number % 2 else "good"))
    await turn(workers)
    house.clock.advance(1)
    waiting = await house.enqueue("other", at=house.clock.now() + 9)
    assert len((await listed(house.begin(), state="done")).jobs) == 4
    assert len((await listed(house.begin(), state="failed")).jobs) == 3
    assert [job.id for job in (await listed(house.begin(), state="waiting")).jobs] == [waiting]
    assert [job.id for job in (await listed(house.begin(), kind="other")).jobs] == [waiting]
    seen: list[str] = []
    after = ""
    while True:
        page = await listed(house.begin(), after=after, limit=3)
        seen += [job.id for job in page.jobs]
        after = page.after
        if not after:
            break
    assert len(set(seen)) == len(seen) == 8
    assert seen == sorted(seen)
    assert seen[0] == waiting


async def test_history_is_tidied_with_all_its_rows(house: House) -> None:
    workers = house.workers(kind(lambda ctx, target: _steps(house, ctx, target)))
    assert await tidy.planned(house.begin, house.clock.now())
    job = await house.enqueue("test", key="once")
    await finish(house, workers, [job])
    house.clock.advance(6 * DAY)
    await turn(workers)
    assert (await house.job(job)).state == "done"
    house.clock.advance(2 * DAY)
    await turn(workers)
    with pytest.raises(NotFound):
        await house.job(job)
    kept = [key for key in await record.view(house.begin()).keys() if job in key]
    assert not kept
    assert await house.enqueue("test", key="once") != job
    assert (await schedules.find(house.begin(), tidy.NAME)).last_job


async def test_what_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await find(house.begin(), "nothing")


@pytest.mark.slow
async def test_tidying_goes_on_past_what_others_change(house: House) -> None:
    async def nothing(ctx: JobContext, target: Target) -> None:
        """Ends at once."""

    workers = house.workers(kind(nothing))
    for _ in range(3):
        for _ in range(400):
            await house.enqueue("test")
        while await turn(workers):
            pass
    assert await tidy.planned(house.begin, house.clock.now())
    house.clock.advance(8 * DAY)
    await turn(workers)
    assert not (await listed(house.begin(), kind="test")).jobs
    assert (await listed(house.begin(), kind=tidy.NAME)).jobs[0].state == "done"


async def test_a_filter_looks_at_a_bounded_number_of_rows(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.jobs.queue.MAX_LOOKED_AT", 400)
    wanted = await house.enqueue("rare")
    house.clock.advance(1)
    for _ in range(700):
        await house.enqueue("common")
    pages = [await listed(house.begin(), kind="rare")]
    while pages[-1].after:
        pages.append(await listed(house.begin(), kind="rare", after=pages[-1].after))
    assert [job.id for page in pages for job in page.jobs] == [wanted]
    assert len(pages) == 2


async def test_a_store_in_which_nothing_stays_put_ends_the_attempt(house: House) -> None:
    async def meddle(tx: BarrierTransaction) -> None:
        await tx.get("hot")
        other = house.begin()
        other.put("hot", b"x")
        await other.commit()
        tx.put("mine", b"1")

    async def run(ctx: JobContext, target: Target) -> None:
        await ctx.change("fight", meddle)

    workers = house.workers(kind(run, attempts=1))
    job = await house.enqueue("test")
    await turn(workers)
    assert ((await house.job(job)).state, (await house.job(job)).error) == ("failed", "Conflict")
    assert await house.begin().get("mine") is None
