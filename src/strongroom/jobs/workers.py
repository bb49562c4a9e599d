"""The workers of one process: they find what is due, run it side by side, and keep their claims alive.

Any number of processes may work on one store. Nothing is remembered but the legs that run
now; what waits or sleeps is only in the store's order of due times.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from strongroom.barrier.view import View
from strongroom.clock import Clock
from strongroom.errors import Sealed
from strongroom.jobs import queue, record, schedules, tidy
from strongroom.jobs.hold import Begin
from strongroom.jobs.kind import Kind
from strongroom.jobs.leg import Leg

log = logging.getLogger(__name__)

SLOTS = 64
POLL_SECONDS = 0.2
BEAT_SECONDS = 5.0
SHUN_SECONDS = 60.0


class Workers:
    """Runs jobs of the registered kinds, up to `slots` at a time, and sees to it that history is tidied."""

    def __init__(
        self, clock: Clock, begin: Begin, kinds: Iterable[Kind[Any]] = (), slots: int = SLOTS
    ) -> None:
        self._clock = clock
        self._begin = begin
        self._slots = slots
        self._kinds = {kind.name: kind for kind in (tidy.kind(begin), *kinds)}
        self._legs: dict[str, tuple[Leg, asyncio.Task[None]]] = {}
        self._shunned: dict[str, float] = {}
        self._woken = asyncio.Event()
        self._next_beat = 0.0
        self._task: asyncio.Task[None] | None = None

    def register(self, kind: Kind[Any]) -> None:
        """Run jobs of this kind from now on."""
        self._kinds[kind.name] = kind

    def wake(self) -> None:
        """Look for due jobs now instead of within a fifth of a second."""
        self._woken.set()

    async def start(self, *, alone: bool = False) -> None:
        """Work in the background until `stop`.

        `alone` says that no other process works on the store: what runs there has lost its worker.
        """
        await self.stop()
        if alone:
            await queue.take_over(self._begin, self._clock.now())
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Leave what is running where it is, free for others at once, and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        tasks = [task for _, task in self._legs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def turn(self) -> list[asyncio.Task[None]]:
        """Start what is due, as far as there are free slots; returns the legs begun."""
        now = self._clock.now()
        self._shunned = {name: until for name, until in self._shunned.items() if until > now}
        await self._tick(now)
        free = self._slots - len(self._legs)
        if free <= 0:
            return []
        passed_over = len(self._legs) + len(self._shunned)
        ripe = await record.ripe(self._rows(), "due/", now, free + passed_over)
        wanted = [job for job in ripe if job not in self._legs and job not in self._shunned]
        return [self._begin_leg(job) for job in wanted[:free]]

    async def beat(self) -> None:
        """Extend the leases of what runs, and end what has been taken over."""
        for leg, task in list(self._legs.values()):
            if not await leg.beat():
                log.warning("a job was taken over by another worker; its run here ends")
                task.cancel()

    async def _run(self) -> None:
        planned = False
        while True:
            try:
                self._woken.clear()
                planned = planned or await tidy.planned(self._begin, self._clock.now())
                begun = await self.turn()
                if self._clock.now() >= self._next_beat:
                    self._next_beat = self._clock.now() + BEAT_SECONDS
                    await self.beat()
            except Sealed:
                return
            except Exception as error:
                log.error("looking for due jobs failed (%s); it goes on", type(error).__name__)
                begun = []
            if begun:
                await asyncio.sleep(0)
            else:
                await self._rest()

    async def _tick(self, now: float) -> None:
        """Start the scheduled runs that are due, side by side; one that cannot be read hinders no other."""
        ripe = await record.ripe(self._rows(), schedules.TICK, now, self._slots + len(self._shunned))
        wanted = [name for name in ripe if name not in self._shunned]
        ticks = (schedules.tick(self._begin, name, now) for name in wanted)
        for name, error in zip(wanted, await asyncio.gather(*ticks, return_exceptions=True), strict=True):
            if isinstance(error, Sealed):
                raise error
            if error is not None:
                self._shun(name, error)

    def _shun(self, name: str, error: BaseException) -> None:
        log.error("%s cannot be worked on (%s); it is left alone for a while", name, type(error).__name__)
        self._shunned[name] = self._clock.now() + SHUN_SECONDS

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return

    def _begin_leg(self, job_id: str) -> asyncio.Task[None]:
        leg = Leg(self._begin, self._clock, self._kinds, job_id)
        task = asyncio.get_running_loop().create_task(leg.run())
        self._legs[job_id] = leg, task
        task.add_done_callback(lambda ended: self._ended(job_id, ended))
        return task

    def _ended(self, job_id: str, task: asyncio.Task[None]) -> None:
        del self._legs[job_id]
        self._woken.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._shun(job_id, error)

    def _rows(self) -> View:
        return record.view(self._begin())
