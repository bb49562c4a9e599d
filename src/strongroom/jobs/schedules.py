"""Schedules: jobs that come again. The next run is computed and stored, so a stopped server misses none.

Runs missed meanwhile are made up for by one. A run whose predecessor still goes on is left out.
"""

from msgspec import Struct, msgpack

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.errors import InvalidRequest, NotFound
from strongroom.jobs import record
from strongroom.jobs.hold import Begin
from strongroom.jobs.record import Job
from strongroom.jobs.timing import Timing
from strongroom.storage.contract import Conflict

TICK = "tick/"
MAX_NAME = 200


class Schedule(Struct, kw_only=True, omit_defaults=True):
    """What to run when. `planned` is the next run's time without jitter, `due` with it.

    `last_job` is the job of the last run, at `last_run`; `left_out` counts runs that came too
    late or met their predecessor.
    """

    name: str
    kind: str
    arguments: bytes
    timing: Timing
    planned: float = 0
    due: float = 0
    last_job: str = ""
    last_run: float = 0
    left_out: int = 0


async def put(
    tx: BarrierTransaction, name: str, kind: str, arguments: Struct, timing: Timing, *, now: float
) -> Schedule:
    """Create or change a schedule in `tx`; one that stays the same keeps its next run.

    Raises InvalidRequest.
    """
    if not name or len(name) > MAX_NAME:
        raise InvalidRequest(f"a schedule's name has 1 to {MAX_NAME} characters")
    timing.check()
    rows = record.view(tx)
    known = await rows.find(f"schedule/{name}", Schedule)
    encoded = msgpack.encode(arguments)
    if known is not None and (known.kind, known.arguments, known.timing) == (kind, encoded, timing):
        return known
    if known is not None:
        rows.delete(_tick(known))
    made = Schedule(name=name, kind=kind, arguments=encoded, timing=timing)
    if known is not None:
        made.last_job, made.last_run, made.left_out = known.last_job, known.last_run, known.left_out
    _plan(rows, made, timing.after(now, now))
    return made


async def find(tx: BarrierTransaction, name: str) -> Schedule:
    """Return a schedule. Raises NotFound."""
    found = await record.view(tx).find(f"schedule/{name}", Schedule)
    if found is None:
        raise NotFound(f"there is no schedule {name}")
    return found


async def remove(tx: BarrierTransaction, name: str) -> None:
    """Delete a schedule; the job it started last goes on. Raises NotFound."""
    found = await find(tx, name)
    rows = record.view(tx)
    rows.delete(_tick(found))
    rows.delete(f"schedule/{name}")


async def names(tx: BarrierTransaction, after: str = "", limit: int = 1000) -> list[str]:
    """The names of the schedules, in order."""
    prefix = "schedule/"
    found = await record.view(tx).keys(prefix, f"{prefix}{after}" if after else "", limit)
    return [key.removeprefix(prefix) for key in found]


async def tick(begin: Begin, name: str, now: float) -> None:
    """Start the run that is due and plan the next, as one. Another worker may be doing the same."""
    tx = begin()
    rows = record.view(tx)
    schedule = await rows.find(f"schedule/{name}", Schedule)
    if schedule is None or schedule.due > record.whole_ms(now):
        return
    if schedule.timing.missed(schedule.planned, now) or await _goes_on(rows, schedule.last_job):
        schedule.left_out += 1
    else:
        schedule.last_run = now
        schedule.last_job = _start(rows, schedule, now)
    rows.delete(_tick(schedule))
    _plan(rows, schedule, schedule.timing.after(schedule.planned, now))
    try:
        await tx.commit()
    except Conflict:
        return


def _start(rows: View, schedule: Schedule, now: float) -> str:
    job = Job(
        id=record.new_id(now),
        kind=schedule.kind,
        arguments=schedule.arguments,
        created=now,
        schedule=schedule.name,
    )
    record.save(rows, job, now)
    return job.id


async def _goes_on(rows: View, job_id: str) -> bool:
    job = await rows.find(f"job/{job_id}", Job) if job_id else None
    return job is not None and job.active


def _plan(rows: View, schedule: Schedule, planned: float) -> None:
    schedule.planned = planned
    schedule.due = schedule.timing.delayed(planned, schedule.name)
    rows.put(f"schedule/{schedule.name}", schedule)
    rows.put_bytes(_tick(schedule), b"")


def _tick(schedule: Schedule) -> str:
    return f"{TICK}{record.stamp(schedule.due)}/{schedule.name}"
