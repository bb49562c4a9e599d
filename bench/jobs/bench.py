"""Jobs on the embedded store: from enqueued to ended, each in transactions of its own; and sleeping ones."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import uvloop

from bench.jobs.store import CLOCK, Target, opened
from strongroom.jobs import JobContext, Kind, Workers, enqueue

CLIENTS = 64
GOAL = 2000
SLEEPERS, SLEEPERS_MIB = 100_000, 100
Run = Callable[[JobContext, Target], Awaitable[None]]


def main(short: bool) -> None:
    """Measure and print."""
    count, rounds = (64 * 60, 1) if short else (64 * 300, 3)
    for title, steps in (("no step", 0), ("1 step", 1), ("3 steps", 3)):
        runs = [_with_loop(count, steps) for _ in range(rounds)]
        rate, cpu = median(run[0] for run in runs), median(run[1] for run in runs)
        print(
            f"jobs with {title:<8} {rate:>8,.0f} jobs/s, {cpu * 1e6:>4.0f} µs of CPU each in all threads"
            f"   (goal for no step: {GOAL:,} jobs/s)"
        )
    sleepers = SLEEPERS // 10 if short else SLEEPERS
    command = [sys.executable, "-m", "bench.jobs.sleepers", str(sleepers)]
    grown, seconds = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    print(
        f"{sleepers:,} sleeping jobs: {int(grown) / 2**20:.1f} MiB more resident "
        f"(goal: under {SLEEPERS_MIB} MiB), put to sleep in {float(seconds):.0f} s"
    )


def _with_loop(count: int, steps: int) -> tuple[float, float]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as place,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_rate(Path(place) / "store", count, steps))


async def _rate(place: Path, count: int, steps: int) -> tuple[float, float]:
    """Jobs per second from the first one enqueued to the last one ended, and CPU seconds for each."""
    ended = 0
    over = asyncio.Event()

    async def run(ctx: JobContext, target: Target) -> None:
        nonlocal ended
        for number in range(steps):
            await ctx.step(f"step-{number}", _answer, int)
        ended += 1
        if ended == count:
            over.set()

    async with opened(place) as barrier:
        workers = Workers(CLOCK, barrier.begin, [Kind("bench", Target, run)])
        await workers.start()

        async def client() -> None:
            for _ in range(count // CLIENTS):
                tx = barrier.begin()
                await enqueue(tx, "bench", Target(), now=CLOCK.now())
                await tx.commit()
                workers.wake()

        started, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        await asyncio.wait_for(over.wait(), 600)
        elapsed, used = time.perf_counter() - started, time.process_time() - used
        await workers.stop()
    return count / elapsed, used / count


async def _answer(_: str) -> int:
    return 1
