"""Tidying is a job like any other: every hour it removes ended jobs whose time in the lists is over."""

from msgspec import Struct

from strongroom.jobs import record, schedules
from strongroom.jobs.context import JobContext
from strongroom.jobs.hold import Begin
from strongroom.jobs.kind import Kind
from strongroom.jobs.record import DAY, ENDED, Job
from strongroom.jobs.timing import Timing
from strongroom.storage.contract import Conflict

NAME = "jobs/tidy"
TIMING = Timing(interval=3600, jitter=300)
_BATCH = 500


class Nothing(Struct, frozen=True):
    """It needs no arguments."""


def kind(begin: Begin) -> Kind[Nothing]:
    """The kind that tidies the store behind `begin`."""

    async def run(ctx: JobContext, arguments: Nothing) -> None:
        async def remove(_: str) -> None:
            for state in ENDED:
                while await _remove_some(begin, f"ended/{state}/", ctx.now()) == _BATCH:
                    pass

        await ctx.step("remove", remove)

    return Kind(NAME, Nothing, run, keep=DAY)


async def planned(begin: Begin, now: float) -> bool:
    """See to it that tidying comes round; False when another node was doing the same."""
    tx = begin()
    await schedules.put(tx, NAME, NAME, Nothing(), TIMING, now=now)
    try:
        await tx.commit()
    except Conflict:
        return False
    return True


async def _remove_some(begin: Begin, index: str, now: float) -> int:
    """Remove a batch in one transaction; returns how many, 0 when someone else changed them."""
    over = await record.ripe(record.view(begin()), index, now, _BATCH)
    tx = begin()
    rows = record.view(tx)
    for job_id in over:
        job = await rows.find(f"job/{job_id}", Job)
        if job is not None:
            record.forget(rows, job)
    try:
        await tx.commit()
    except Conflict:
        return 0
    return len(over)
