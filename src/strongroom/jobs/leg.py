"""One leg of a job: claimed, run until it ends, sleeps or fails, and settled.

A leg that loses its lease writes nothing more: each of its transactions reads the job's
fencing number, and whoever takes the job over has changed it.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec import msgpack

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.clock import Clock
from strongroom.errors import Sealed
from strongroom.jobs import record
from strongroom.jobs.context import JobContext
from strongroom.jobs.hold import Begin, Fenced, Hold, JobCancelled, Suspended, working_for
from strongroom.jobs.kind import Kind
from strongroom.jobs.record import LEASE_SECONDS, Job, State
from strongroom.storage.contract import Conflict

log = logging.getLogger(__name__)

UNKNOWN_PAUSE = 60.0
SEALED_PAUSE = 1.0
Kinds = Mapping[str, Kind[Any]]


class Leg:
    """The work of one worker on one job."""

    def __init__(self, begin: Begin, clock: Clock, kinds: Kinds, job_id: str) -> None:
        self._hold = Hold(begin, clock, job_id)
        self._kinds = kinds

    async def run(self) -> None:
        """Claim the job and carry it on. When this is cancelled the job is free for others at once."""
        try:
            await self._work()
        except (Suspended, Fenced):
            return
        except asyncio.CancelledError:
            with suppress(Fenced, Sealed):
                await self._release(0)
            raise

    async def beat(self) -> bool:
        """Extend the lease when a third of it is gone. False when another worker has the job."""
        now = self._hold.clock.now()
        if not self._hold.fence or self._hold.lease_ends - now > LEASE_SECONDS * 2 / 3:
            return True
        tx = self._hold.begin()
        rows = record.view(tx)
        job = await rows.find(f"job/{self._hold.id}", Job)
        if job is None or job.fence != self._hold.fence:
            return False
        if job.state == "running":
            record.move(rows, job, now + LEASE_SECONDS)
            with suppress(Conflict):  # the leg has just recorded a step; the next beat comes soon
                await tx.commit()
                self._hold.lease_ends = now + LEASE_SECONDS
        return True

    async def _work(self) -> None:
        try:
            claimed = await self._claim()
        except Conflict:  # another worker was faster, or the job was changed
            return
        if claimed is None:
            return
        job, kind = claimed
        ctx = JobContext(self._hold, job)
        working_for.set(self._hold)
        try:
            async with asyncio.timeout(kind.time_limit):
                await kind.run(ctx, msgpack.decode(job.arguments, type=kind.arguments))
        except JobCancelled:
            await self._end("cancelled", kind)
        except Sealed:
            with suppress(Sealed):
                await self._release(SEALED_PAUSE)
        except Exception as error:
            log.warning("job %s (%s) failed at '%s': %s", job.id, job.kind, ctx.current, type(error).__name__)
            await self._failed(kind, error, ctx.current)
        else:
            await self._end("done", kind)

    async def _claim(self) -> tuple[Job, Kind[Any]] | None:
        """Take the job, in one transaction; None when it is not to be run."""
        tx = self._hold.begin()
        rows, now = record.view(tx), record.whole_ms(self._hold.clock.now())
        job = await rows.find(f"job/{self._hold.id}", Job)
        if job is None or not job.active or job.due > now:
            return None
        kind = self._kinds.get(job.kind)
        if kind is None or (job.state == "running" and await _overrun(tx, job, kind, now)):
            if kind is None:  # a newer release's: it is there again soon
                job.state, job.error = "waiting", "UnknownKind"
                record.move(rows, job, now + UNKNOWN_PAUSE)
            await tx.commit()
            return None
        job.state = "running"
        job.started = job.started or now
        job.fence += 1
        self._hold.fence = job.fence
        self._hold.lease_ends = now + LEASE_SECONDS
        record.move(rows, job, self._hold.lease_ends)
        await tx.commit()
        return job, kind

    async def _end(self, state: State, kind: Kind[Any]) -> None:
        async def settle(_: BarrierTransaction, rows: View, job: Job) -> None:
            record.end(rows, job, state, self._hold.clock.now(), kind.keep)

        await self._hold.write(settle)

    async def _failed(self, kind: Kind[Any], error: Exception, step: str) -> None:
        async def settle(tx: BarrierTransaction, rows: View, job: Job) -> None:
            now = self._hold.clock.now()
            job.error, job.failed_step = type(error).__name__, step
            job.attempts += 1
            if isinstance(error, kind.fatal) or job.attempts >= kind.attempts:
                await _give_up(tx, job, kind, now)
                return
            job.state = "waiting"
            record.move(rows, job, now + kind.pause(job))

        await self._hold.write(settle)

    async def _release(self, pause: float) -> None:
        """Give the job back: nothing went wrong with it."""

        async def settle(_: BarrierTransaction, rows: View, job: Job) -> None:
            job.state = "waiting"
            record.move(rows, job, self._hold.clock.now() + pause)

        await self._hold.write(settle)


async def _overrun(tx: BarrierTransaction, job: Job, kind: Kind[Any], now: float) -> bool:
    """Count a worker that vanished with the job as a failure; True when that was the last."""
    job.attempts += 1
    job.error = "LeaseExpired"
    if job.attempts < kind.attempts:
        return False
    await _give_up(tx, job, kind, now)
    return True


async def _give_up(tx: BarrierTransaction, job: Job, kind: Kind[Any], now: float) -> None:
    if kind.failed is not None:
        await kind.failed(tx, job)
    record.end(record.view(tx), job, "failed", now, kind.keep)
