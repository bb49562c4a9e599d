"""A process that works off jobs on a real store until it is killed:

    python -m tests.jobs.killed DIR OFFSET JOBS [URL]

The store is in DIR, or the database at URL, which several processes share.
`OFFSET` seconds are added to its clock, so that the leases of those killed before it are over.
Deeds are files: made with the idempotency key as their name, and counted in a journal.
"""

import asyncio
import os
import sys
from pathlib import Path

from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.clock import SystemClock
from strongroom.jobs import JobContext, Workers, enqueue, listed
from strongroom.storage.postgresql import PostgresqlStorage
from strongroom.storage.postgresql.address import address
from strongroom.storage.sqlite import SqliteStorage
from tests.jobs.house import ROOT_KEY, Target, kind

STEPS = ("create", "distribute", "retire")


class LateClock(SystemClock):
    def __init__(self, offset: float) -> None:
        super().__init__()
        self._offset += offset


async def live(place: Path, offset: float, count: int, url: str = "") -> None:
    clock = LateClock(offset)
    storage = await PostgresqlStorage.open(address(url)) if url else SqliteStorage(place / "store")
    barrier = Barrier(storage, clock)
    if not await barrier.initialized():
        await barrier.initialize(ROOT_KEY)
    await barrier.unseal(ROOT_KEY)

    async def make(key: str) -> int:
        with (place / "journal").open("a") as journal:
            journal.write(f"{key}\n")
        (place / "made" / key.replace("/", ".")).touch()
        return 1

    async def run(ctx: JobContext, target: Target) -> None:
        for step in STEPS:
            await ctx.step(step, make, int)
            await ctx.sleep(0.02)
        await ctx.change("note", lambda tx: note(tx, target.name))

    async def note(tx: BarrierTransaction, name: str) -> None:
        tx.put(f"note/{name}", str(int(await tx.get(f"note/{name}") or b"0") + 1).encode())

    workers = Workers(clock, barrier.begin, [kind(run, attempts=1000)])
    for number in range(count):
        tx = barrier.begin()
        await enqueue(tx, "test", Target(str(number)), now=clock.now(), key=str(number))
        await tx.commit()
    print("working", flush=True)
    await workers.start()
    while len((await listed(barrier.begin(), state="done", kind="test")).jobs) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await workers.stop()
    notes = [await barrier.begin().get(f"note/{number}") for number in range(count)]
    print("ended", set(notes) == {b"1"}, len((await listed(barrier.begin(), kind="test")).jobs), flush=True)
    await storage.close()


if __name__ == "__main__":
    os.umask(0o077)
    asyncio.run(live(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]))
