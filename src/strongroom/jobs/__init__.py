"""Durable jobs: written in the transaction that causes them, carried on step by step until they end.

A handler is `async def run(ctx: JobContext, arguments)`, registered as a `Kind`. See `docs/jobs.md`.
"""

from strongroom.jobs.context import JobContext
from strongroom.jobs.hold import JobCancelled, still_ours
from strongroom.jobs.kind import Kind
from strongroom.jobs.queue import cancel, enqueue, find, listed, resume, retry
from strongroom.jobs.record import Job
from strongroom.jobs.timing import Timing
from strongroom.jobs.workers import Workers

__all__ = [
    "Job",
    "JobCancelled",
    "JobContext",
    "Kind",
    "Timing",
    "Workers",
    "cancel",
    "enqueue",
    "find",
    "listed",
    "resume",
    "retry",
    "still_ours",
]
