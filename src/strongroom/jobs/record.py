"""A job's rows. Every change of state moves its rows in one transaction.

Layout below `jobs/`: `job/<id>` the job, `due/<time>/<id>` when someone must look at it,
`result/<id>/<step>` what a step returned, `key/<digest>` the job an idempotency key named,
`ended/<state>/<forget at>/<id>` history. Schedules keep `schedule/<name>` and `tick/<time>/<name>`.
"""

import math
import secrets
from hashlib import sha256
from typing import Literal

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View

PREFIX = "jobs/"
DAY = 86400.0
KEEP = 7 * DAY
KEEP_FAILED = 90 * DAY
LEASE_SECONDS = 60.0
_LATEST_MS = 2**44 - 1

State = Literal["waiting", "running", "sleeping", "done", "failed", "cancelled"]
ACTIVE: tuple[State, ...] = ("waiting", "running", "sleeping")
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")


class Done(Struct, frozen=True, omit_defaults=True):
    """A step that need not run again: `at` is when it ended, for a sleep when it ends.

    `stored` says that it left a result row.
    """

    name: str
    at: float
    stored: bool = False


class Job(Struct, kw_only=True, omit_defaults=True):
    """A job. Times in seconds since the epoch, 0 for never.

    `due` is when someone must look: to start it, wake it, or take it over from a worker whose
    lease ran out. `fence` grows with each claim; only its holder may write. `attempts` counts
    failures since a step last succeeded; `error` is the class name of the last one, which
    happened in `failed_step`. `arguments` is msgpack and holds references, never secrets.
    """

    id: str
    kind: str
    arguments: bytes
    created: float
    state: State = "waiting"
    due: float = 0
    started: float = 0
    ended: float = 0
    forget: float = 0
    fence: int = 0
    attempts: int = 0
    error: str = ""
    failed_step: str = ""
    cancelling: bool = False
    key: str = ""
    schedule: str = ""
    steps: tuple[Done, ...] = ()

    def done(self, name: str) -> Done | None:
        """The record of a step, or None when it is still to run."""
        return next((step for step in self.steps if step.name == name), None)

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.state in ACTIVE


def view(tx: BarrierTransaction) -> View:
    """The jobs' part of the barrier."""
    return View(tx, PREFIX)


def new_id(now: float) -> str:
    """Return a fresh id; ids of later jobs sort first, so a listing starts with the newest."""
    return f"{_LATEST_MS - int(now * 1000):011x}{secrets.token_hex(6)}"


def digest(kind: str, key: str) -> str:
    """The storage name of an idempotency key: bounded, and silent about what it was made of."""
    return sha256(f"{kind}\0{key}".encode()).hexdigest()


def whole_ms(seconds: float) -> float:
    """A time as an index can tell it apart; times are compared in this form only."""
    # A microsecond more: the float nearest to a whole millisecond may lie just below it.
    return math.floor(seconds * 1000 + 0.001) / 1000


def stamp(seconds: float) -> str:
    """A time as text that sorts."""
    return f"{seconds:017.3f}"


def save(rows: View, job: Job, due: float) -> None:
    """Write a job that has no place in the due order yet, and when to look at it."""
    job.due = whole_ms(due)
    rows.put(f"job/{job.id}", job)
    rows.put_bytes(_due(job), b"")


def move(rows: View, job: Job, due: float) -> None:
    """Write an active job and when to look at it next."""
    rows.delete(_due(job))
    save(rows, job, due)


def end(rows: View, job: Job, state: State, now: float, keep: float) -> None:
    """Write the end of a job. Results stay only where a retry needs them."""
    rows.delete(_due(job))
    job.state, job.ended, job.due = state, now, 0
    job.forget = now + (KEEP_FAILED if state == "failed" else keep)
    if state != "failed":
        _erase_results(rows, job)
    rows.put(f"job/{job.id}", job)
    rows.put_bytes(_history(job), b"")


def revive(rows: View, job: Job, now: float) -> None:
    """Let an ended job go on where it stopped."""
    rows.delete(_history(job))
    job.state, job.ended, job.forget, job.attempts = "waiting", 0, 0, 0
    save(rows, job, now)


def forget(rows: View, job: Job) -> None:
    """Remove an ended job with all its rows."""
    rows.delete(_history(job))
    rows.delete(f"job/{job.id}")
    if job.key:
        rows.delete(f"key/{job.key}")
    _erase_results(rows, job)


def result_key(job_id: str, step: str) -> str:
    """Where a step's result is."""
    return f"result/{job_id}/{step}"


async def ripe(rows: View, index: str, now: float, limit: int) -> list[str]:
    """The names in a time index (`due/`, `tick/`, `ended/<state>/`) whose time has come, oldest first."""
    found = await rows.keys(index, limit=limit)
    bound = f"{index}{stamp(whole_ms(now))}"
    return [key[len(bound) + 1 :] for key in found if key[: len(bound)] <= bound]


def _erase_results(rows: View, job: Job) -> None:
    for step in job.steps:
        if step.stored:
            rows.delete(result_key(job.id, step.name))
    job.steps = tuple(Done(step.name, step.at) for step in job.steps)


def _due(job: Job) -> str:
    return f"due/{stamp(job.due)}/{job.id}"


def _history(job: Job) -> str:
    return f"ended/{job.state}/{stamp(job.forget)}/{job.id}"
