"""The right to write a job, checked in every transaction that does; and how a run is left early."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TypeVar

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.clock import Clock
from strongroom.jobs import record
from strongroom.jobs.record import LEASE_SECONDS, Job
from strongroom.storage.contract import Conflict

T = TypeVar("T")
Begin = Callable[[], BarrierTransaction]
Change = Callable[[BarrierTransaction, View, Job], Awaitable[T]]

RERUNS = 50
LEAST_LEFT = LEASE_SECONDS / 3


class Halt(BaseException):
    """Leaves a handler without being an error; `except Exception` in a handler does not stop it."""


class Suspended(Halt):
    """The job sleeps; the worker is free."""


class Fenced(Halt):
    """Another worker has taken the job over: this one must write nothing more."""


class JobCancelled(Halt):
    """Someone cancelled the job.

    A handler may catch it to undo its steps in further steps, and then raises it again.
    """


class Hold:
    """A claim on one job: good as long as the row carries this fencing number and runs.

    Nobody else takes the job before `lease_ends`.
    """

    __slots__ = ("begin", "clock", "fence", "id", "lease_ends")

    def __init__(self, begin: Begin, clock: Clock, job_id: str) -> None:
        self.begin = begin
        self.clock = clock
        self.id = job_id
        self.fence = 0
        self.lease_ends = 0.0

    async def read(self, tx: BarrierTransaction) -> Job:
        """Return the job as `tx` sees it, which makes its commit fail if that changes. Raises Fenced."""
        job = await record.view(tx).find(f"job/{self.id}", Job)
        if job is None or job.fence != self.fence or job.state != "running":
            raise Fenced(self.id)
        return job

    async def confirm(self) -> None:
        """See to it that the job stays ours for a third of a lease at least. Raises Fenced."""
        if self.lease_ends - self.clock.now() > LEAST_LEFT:
            return
        ends = self.clock.now() + LEASE_SECONDS

        async def extend(_: BarrierTransaction, rows: View, job: Job) -> None:
            record.move(rows, job, ends)

        await self.write(extend)
        self.lease_ends = ends

    async def write(self, change: Change[T]) -> T:
        """Run `change` in a transaction that lands only while the job is ours; again after a conflict.

        Raises Fenced.
        """
        for _ in range(RERUNS):
            tx = self.begin()
            job = await self.read(tx)
            result = await change(tx, record.view(tx), job)
            try:
                await tx.commit()
            except Conflict:
                continue
            return result
        raise Conflict(self.id)


working_for: ContextVar[Hold | None] = ContextVar("working_for", default=None)


async def still_ours() -> None:
    """See that no other worker has the job whose step is about to touch the world, last thing before it does.

    A process that was stopped for a minute has lost its jobs without knowing. Raises Fenced; outside of
    jobs it does nothing.
    """
    hold = working_for.get()
    if hold is not None:
        await hold.confirm()
