"""Kinds of jobs: the handler, its arguments, and how it fails."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, TypeVar

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.jobs.context import JobContext
from strongroom.jobs.record import KEEP, Job

A = TypeVar("A", bound=Struct)


@dataclass(frozen=True, slots=True)
class Kind(Generic[A]):
    """What runs for jobs of this name; times in seconds.

    `run` is called again from the top after every sleep, failure or crash, and finds the steps
    it has done memoised; it touches the world only inside steps. `attempts` failures in a row
    without a step succeeding end the job as failed, one of a class in `fatal` at once; between
    them it waits `first_pause`, doubling up to `longest_pause`. `time_limit` is for one run
    between sleeps. `failed` is called in the transaction that ends the job as failed, to open an
    incident with it. Ended jobs are listed for `keep`.
    """

    name: str
    arguments: type[A]
    run: Callable[[JobContext, A], Awaitable[None]]
    attempts: int = 10
    first_pause: float = 5.0
    longest_pause: float = 3600.0
    time_limit: float = 3600.0
    keep: float = KEEP
    fatal: tuple[type[Exception], ...] = ()
    failed: Callable[[BarrierTransaction, Job], Awaitable[None]] | None = None

    def pause(self, job: Job) -> float:
        """Seconds to wait after the failure just counted: the doubled pause, a tenth of it spread."""
        pause = min(self.first_pause * 2.0 ** (job.attempts - 1), self.longest_pause)
        return pause * (0.9 + 0.1 * spread(f"{job.id}#{job.attempts}"))


def spread(text: str) -> float:
    """A number in [0, 1) that is always the same for `text`: jitter on which all nodes agree."""
    return int.from_bytes(sha256(text.encode()).digest()[:6]) / 2**48
