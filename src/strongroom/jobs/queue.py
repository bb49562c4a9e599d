"""What anyone may ask of jobs, inside a transaction of their own: enqueue, cancel, resume, retry, look.

Nothing happens unless the caller's transaction commits, so a job and the change that causes
it come into being together.
"""

from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct, msgpack

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import InvalidRequest, NotFound
from strongroom.jobs import record
from strongroom.jobs.hold import Begin
from strongroom.jobs.record import ENDED, KEEP, LEASE_SECONDS, Done, Job, State
from strongroom.storage.contract import Conflict

MAX_LOOKED_AT = 5000
_PAGE = 200


async def enqueue(
    tx: BarrierTransaction, kind: str, arguments: Struct, *, now: float, at: float = 0, key: str = ""
) -> str:
    """Record a job in `tx` and return its id; it starts at `at`, or at once.

    With `key` there is one job of this kind for it, until its history is tidied: a second
    call returns the first one's id. `arguments` hold references (a path, a name, a version),
    never a secret.
    """
    rows = record.view(tx)
    digest = record.digest(kind, key) if key else ""
    if digest:
        known = await rows.find_bytes(f"key/{digest}")
        if known is not None:
            return known.decode()
    job = Job(id=record.new_id(now), kind=kind, arguments=msgpack.encode(arguments), created=now, key=digest)
    record.save(rows, job, max(at, now))
    if digest:
        rows.put_bytes(f"key/{digest}", job.id.encode())
    return job.id


async def find(tx: BarrierTransaction, job_id: str) -> Job:
    """Return a job. Raises NotFound."""
    job = await record.view(tx).find(f"job/{job_id}", Job)
    if job is None:
        raise NotFound(f"there is no job {job_id}")
    return job


async def cancel(tx: BarrierTransaction, job_id: str, now: float) -> Job:
    """End a job: at once when it has not begun, else before its next step.

    Raises NotFound, InvalidRequest when it has ended already.
    """
    job = await find(tx, job_id)
    rows = record.view(tx)
    if not job.active:
        raise InvalidRequest(f"the job has ended already: it is {job.state}")
    if job.started == 0:
        record.end(rows, job, "cancelled", now, KEEP)
        return job
    job.cancelling = True
    record.move(rows, job, job.due if job.state == "running" else now)
    return job


async def resume(tx: BarrierTransaction, job_id: str, now: float) -> Job:
    """Let a job go on now that sleeps or pauses after a failure. Raises NotFound, InvalidRequest."""
    job = await find(tx, job_id)
    if job.state not in ("sleeping", "waiting"):
        raise InvalidRequest(f"the job does not sleep: it is {job.state}")
    job.steps = tuple(Done(step.name, min(step.at, now), step.stored) for step in job.steps)
    record.move(record.view(tx), job, now)
    return job


async def retry(tx: BarrierTransaction, job_id: str, now: float) -> Job:
    """Run a failed job again from the step that failed. Raises NotFound, InvalidRequest."""
    job = await find(tx, job_id)
    if job.state != "failed":
        raise InvalidRequest(f"only a failed job can be retried: it is {job.state}")
    record.revive(record.view(tx), job, now)
    return job


async def take_over(begin: Begin, now: float) -> None:
    """Let what runs be claimed at once instead of when its lease is over: no worker has it any more."""
    tx = begin()
    rows = record.view(tx)
    for job_id in await record.ripe(rows, "due/", now + LEASE_SECONDS, MAX_LOOKED_AT):
        job = await rows.find(f"job/{job_id}", Job)
        if job is not None and job.state == "running":
            record.move(rows, job, now)
    with suppress(Conflict):  # then its lease has to run out
        await tx.commit()


class Page(NamedTuple):
    """Some jobs, and where to go on (empty when there are no more)."""

    jobs: list[Job]
    after: str


async def listed(
    tx: BarrierTransaction, *, state: State | None = None, kind: str = "", after: str = "", limit: int = 100
) -> Page:
    """Up to `limit` jobs: the newest first, by due time for an active state, by end for an ended one.

    Looks at no more than a few thousand rows, so with a filter a page may be short and yet not the last.
    """
    rows = record.view(tx)
    index = "job/" if state is None else f"ended/{state}/" if state in ENDED else "due/"
    found: list[Job] = []
    looked_at = 0
    while looked_at < MAX_LOOKED_AT:
        keys = await rows.keys(index, after, _PAGE)
        for key in keys:
            job = await rows.find(f"job/{key.rpartition('/')[2]}", Job)
            after = key
            if job is not None and kind in ("", job.kind) and state in (None, job.state):
                found.append(job)
                if len(found) == limit:
                    return Page(found, after)
        looked_at += _PAGE
        if len(keys) < _PAGE:
            return Page(found, "")
    return Page(found, after)
