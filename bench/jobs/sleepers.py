"""In a process of its own: what sleeping jobs cost in memory. Prints bytes and seconds, for `bench.py`."""

import asyncio
import gc
import sys
import tempfile
import time
from pathlib import Path

from bench.jobs.store import CLOCK, Target, opened, resident_bytes
from strongroom.jobs import JobContext, Kind, Workers, enqueue
from strongroom.jobs.hold import Begin
from strongroom.jobs.record import view

AT_ONCE = 500
WEEK = 7 * 86400.0


async def _sleep(ctx: JobContext, target: Target) -> None:
    await ctx.step("look", _look, int)
    await ctx.sleep(WEEK)


async def _look(_: str) -> int:
    return 1


async def _measure(place: Path, count: int) -> None:
    async with opened(place) as barrier:
        workers = Workers(CLOCK, barrier.begin, [Kind("sleep", Target, _sleep)])
        await workers.start()
        gc.collect()
        before, started = resident_bytes(), time.perf_counter()
        for _ in range(count // AT_ONCE):
            tx = barrier.begin()
            for _ in range(AT_ONCE):
                await enqueue(tx, "sleep", Target(), now=CLOCK.now())
            await tx.commit()
        while await _awake(barrier.begin):  # noqa: ASYNC110  # the workers tell nobody
            await asyncio.sleep(0.1)
        gc.collect()
        print(resident_bytes() - before, time.perf_counter() - started)
        await workers.stop()


async def _awake(begin: Begin) -> bool:
    """Whether some job does not sleep yet."""
    keys = await view(begin()).keys("due/", limit=1)
    return not keys or float(keys[0].split("/")[1]) < CLOCK.now() + WEEK / 2


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        asyncio.run(_measure(Path(scratch) / "store", int(sys.argv[1])))
