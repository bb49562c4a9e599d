"""What a job's handler is given: memoised steps, changes of the store, and sleeps that free the worker."""

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

from msgspec import msgpack

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.jobs import record
from strongroom.jobs.hold import Hold, JobCancelled, Suspended
from strongroom.jobs.record import Done, Job

T = TypeVar("T")
MAX_STEPS = 1000
_NAME = re.compile(r"[\w.:#-]{1,100}", re.ASCII)


class JobContext:
    """One run of a job. `attempt` counts the failures since a step last succeeded."""

    def __init__(self, hold: Hold, job: Job) -> None:
        self._hold = hold
        self._names: set[str] = set()
        self._sleeps = 0
        self._told = False
        self.id = job.id
        self.attempt = job.attempts
        self.current = ""

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._hold.clock.now()

    @overload
    async def step(self, name: str, function: Callable[[str], Awaitable[None]]) -> None: ...
    @overload
    async def step(self, name: str, function: Callable[[str], Awaitable[T]], kind: type[T]) -> T: ...
    async def step(
        self, name: str, function: Callable[[str], Awaitable[T | None]], kind: type[T] | None = None
    ) -> T | None:
        """Do something in the world once; return what it returned, also after a crash.

        `function` gets an idempotency key, the same each time: a crash between the deed and its
        record runs it again, so it hands the key on or looks before it creates. `kind` is the type
        of the result. Raises JobCancelled before a step that has not been done.
        """
        self._enter(name)
        tx = self._hold.begin()
        job = await self._hold.read(tx)
        done = job.done(name)
        if done is not None:
            return await _recalled(record.view(tx), job, done, kind)
        self._check_cancelled(job)
        result = await function(f"{self.id}/{name}")
        return await self._hold.write(lambda _, rows, job: self._record(rows, job, name, result, kind))

    @overload
    async def change(self, name: str, function: Callable[[BarrierTransaction], Awaitable[None]]) -> None: ...
    @overload
    async def change(
        self, name: str, function: Callable[[BarrierTransaction], Awaitable[T]], kind: type[T]
    ) -> T: ...
    async def change(
        self,
        name: str,
        function: Callable[[BarrierTransaction], Awaitable[T | None]],
        kind: type[T] | None = None,
    ) -> T | None:
        """Change the store exactly once: what `function` writes and the step's record are one transaction.

        A conflict runs `function` again, so it does nothing else.
        """
        self._enter(name)

        async def once(tx: BarrierTransaction, rows: View, job: Job) -> T | None:
            done = job.done(name)
            if done is not None:
                return await _recalled(rows, job, done, kind)
            self._check_cancelled(job)
            return await self._record(rows, job, name, await function(tx), kind)

        return await self._hold.write(once)

    def insist(self) -> None:
        """Do what follows also when the job is cancelled: half of it would be worse than all."""
        self._told = True

    async def sleep(self, seconds: float, name: str = "") -> None:
        """Sleep without holding a worker; counted from the first time this line is reached."""
        await self.sleep_until(self.now() + seconds, name)

    async def sleep_until(self, moment: float, name: str = "") -> None:
        """Sleep until `moment` (seconds since the epoch), or until someone resumes the job.

        Sleeps are told apart by their order, or by `name` where the order may change.
        """
        self._sleeps += 1
        name = name or f"sleep#{self._sleeps}"
        self._enter(name)
        job = await self._hold.read(self._hold.begin())
        done = job.done(name)
        until = record.whole_ms(moment if done is None else done.at)
        if until <= record.whole_ms(self.now()):
            return
        self._check_cancelled(job)
        await self._hold.write(lambda _, rows, job: self._lie_down(rows, job, Done(name, until)))
        raise Suspended(name)

    async def _lie_down(self, rows: View, job: Job, sleep: Done) -> None:
        self._check_cancelled(job)
        if job.done(sleep.name) is None:
            job.steps = (*job.steps, sleep)
        _progress(job)
        job.state = "sleeping"
        record.move(rows, job, sleep.at)

    def _enter(self, name: str) -> None:
        if name in self._names or not _NAME.fullmatch(name) or len(self._names) >= MAX_STEPS:
            raise ValueError(
                f"a job has at most {MAX_STEPS} steps, each with a short name of its own: {name!r}"
            )
        self._names.add(name)
        self.current = name

    def _check_cancelled(self, job: Job) -> None:
        """Told once: the steps after that undo what was done."""
        if job.cancelling and not self._told:
            self._told = True
            raise JobCancelled(self.id)

    async def _record(
        self, rows: View, job: Job, name: str, result: T | None, kind: type[T] | None
    ) -> T | None:
        if kind is None and result is not None:
            raise TypeError(f"the step {name} returns a value: say of which type")
        if kind is not None:
            rows.put_bytes(record.result_key(job.id, name), msgpack.encode(result))
        job.steps = (*job.steps, Done(name, self.now(), kind is not None))
        _progress(job)
        rows.put(f"job/{job.id}", job)
        return result


def _progress(job: Job) -> None:
    job.attempts, job.error, job.failed_step = 0, "", ""


async def _recalled(rows: View, job: Job, done: Done, kind: type[T] | None) -> T | None:
    if kind is None or not done.stored:
        return None
    return await rows.get(record.result_key(job.id, done.name), kind)
