"""A barrier over a store in memory, workers of several processes on it, and a world that keeps account."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.clock import FakeClock
from strongroom.jobs import Job, JobContext, Kind, Workers, enqueue, find, listed
from strongroom.storage.contract import Storage
from strongroom.storage.memory import MemoryStorage

ROOT_KEY = b"k" * 32


class Target(Struct, frozen=True):
    name: str = "db"


class World:
    """Outside systems: they take idempotency keys, as good ones do, and count what was asked of them."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.made: dict[str, int] = {}
        self.touched = asyncio.Event()

    async def make(self, key: str) -> int:
        self.asked[key] += 1
        self.touched.set()
        return self.made.setdefault(key, len(self.made) + 1)


class House:
    """One store and its clock. Each `workers` call stands for another process."""

    def __init__(self, storage: Storage | None = None) -> None:
        self.clock = FakeClock()
        self.storage = storage or MemoryStorage()
        self.barrier = Barrier(self.storage, self.clock)
        self.world = World()

    @classmethod
    async def opened(cls, storage: Storage | None = None) -> "House":
        made = cls(storage)
        await made.barrier.initialize(ROOT_KEY)
        await made.barrier.unseal(ROOT_KEY)
        return made

    def begin(self) -> BarrierTransaction:
        return self.barrier.begin()

    def workers(self, *kinds: Kind[Any], slots: int = 64) -> Workers:
        return Workers(self.clock, self.begin, kinds, slots)

    async def enqueue(
        self, kind: str, arguments: Struct | None = None, *, at: float = 0, key: str = ""
    ) -> str:
        tx = self.begin()
        job = await enqueue(tx, kind, arguments or Target(), now=self.clock.now(), at=at, key=key)
        await tx.commit()
        return job

    async def job(self, job_id: str) -> Job:
        return await find(self.begin(), job_id)

    async def ask(self, deed: Callable[..., Any], job_id: str) -> None:
        """Cancel, resume or retry, in a transaction."""
        tx = self.begin()
        await deed(tx, job_id, self.clock.now())
        await tx.commit()


async def turn(workers: Workers) -> int:
    """Run what is due to its end or sleep; returns how many legs began."""
    legs = await workers.turn()
    await asyncio.gather(*legs)
    return len(legs)


async def finish(house: House, workers: Workers, jobs: Iterable[str]) -> None:
    """Turn, and move the clock on when nothing is due, until all of these have ended."""
    for _ in range(1000):
        if not any([(await house.job(job)).active for job in jobs]):
            return
        if not await turn(workers):
            house.clock.advance(30)
    raise AssertionError("the jobs do not end")


async def finish_all(begin: Callable[[], BarrierTransaction], workers: Workers) -> None:
    """Wait until background workers have nothing more to do now."""
    for _ in range(500):
        active = [job for job in (await listed(begin())).jobs if job.state == "running" or job.cancelling]
        waiting = (await listed(begin(), state="waiting")).jobs
        if not waiting and not any(job.active for job in active):
            return
        workers.wake()
        await asyncio.sleep(0.01)
    raise AssertionError("the jobs do not come to rest")


def kind(run: Callable[[JobContext, Target], Any], name: str = "test", **settings: Any) -> Kind[Target]:
    return Kind(name, Target, run, **settings)
