"""`sys/storage/backups`: backups that the server makes by itself, as a job that one node takes.

When the last one succeeded or failed is kept in the store, so that every node says the same.
"""

import asyncio
import logging
import secrets
import threading
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from strongroom.audit.checkpoint import parse
from strongroom.barrier.barrier import BarrierTransaction
from strongroom.clock import rfc3339
from strongroom.core.bootstrap import PREFIX, view
from strongroom.core.core import Core
from strongroom.errors import InvalidRequest, NotFound, StrongroomError, UpstreamFailed
from strongroom.framework import Context, Nothing, Response, Route
from strongroom.jobs import JobContext, Kind, Timing, Workers, enqueue, schedules
from strongroom.storage.backup.file import BLOCK, Packed
from strongroom.storage.backup.places import Place, expire, name_at
from strongroom.storage.contract import Conflict, Copied, StorageFull
from strongroom.storage.files import private_directory
from strongroom.system.house import core, transaction

T = TypeVar("T")
SERVICE, KIND, SCHEDULE, RECORD = "backups", "storage.backup", "storage/backup", "backups"
FIRST_PAUSE = 60.0
"""Seconds before a failed backup is tried again; doubled each time, up to an hour."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where backups go, when, and how many of them stay."""

    place: Place
    timing: Timing
    keep: int
    every: str
    """The timing as the configuration has it."""

    def late(self, since: float, now: float) -> bool:
        """Whether two backups have been left out since then."""
        first = self.timing.after(since, since)
        return now > self.timing.after(first, first)


class Make(Struct, frozen=True):
    """The job's arguments: none, as the plan is the configuration's."""


class Taken(Struct, frozen=True):
    """A backup that was made; `created` in seconds since the epoch."""

    file: str
    created: float
    size_bytes: int
    sha256: str
    audit_entries: int


class Record(Struct, frozen=True):
    """How backups go: since when they are planned, the last one, and what failed since, how often."""

    since: float
    last: Taken | None = None
    failures: int = 0
    failed: float = 0.0
    error: str = ""


class Backups:
    """The scheduled backups of one node; without a `plan` there are none."""

    def __init__(self, house: Core, storage: object, directory: Path, plan: Plan | None) -> None:
        self._house = house
        self._storage = storage
        self._directory = directory
        self._stopping = threading.Event()
        self.plan = plan
        self.record: Record | None = None

    def attach(self, workers: Workers) -> None:
        """Join the core: the job runs here, the schedule is set at unseal, other nodes' news are heard."""
        self._house.services[SERVICE] = self
        if self.plan is not None:
            workers.register(Kind(KIND, Make, self._run, first_pause=FIRST_PAUSE))
        self._house.openers.append(self._open)
        self._house.closers.append(self._stop)
        if self._house.coherence is not None:
            self._house.coherence.reloading(f"{PREFIX}{RECORD}", self._load)

    async def _open(self) -> None:
        """The schedule is as the configuration has it."""
        self._stopping.clear()
        for left in self._directory.glob("*.copy") if self._directory.is_dir() else ():
            left.unlink(missing_ok=True)
        now, tx = self._house.clock.now(), self._house.barrier.begin()
        if self.plan is not None:
            await schedules.put(tx, SCHEDULE, KIND, Make(), self.plan.timing, now=now)
            if await view(tx).find(RECORD, Record) is None:
                view(tx).put(RECORD, Record(now))
        elif SCHEDULE in await schedules.names(tx):
            await schedules.remove(tx, SCHEDULE)
        with suppress(Conflict):  # another node, with the same configuration, was faster
            await tx.commit()
        await self._load()

    async def _load(self) -> None:
        """Hear what has been recorded, by whichever node."""
        self.record = await view(self._house.barrier.begin()).find(RECORD, Record)

    def _stop(self) -> None:
        """Let a backup under way end where it is."""
        self._stopping.set()

    @property
    def overdue(self) -> bool:
        """Whether the last backup is older than the plan allows, by two of its periods."""
        if self.plan is None or self.record is None:
            return False
        since = self.record.last.created if self.record.last else self.record.since
        return self.plan.late(since, self._house.clock.now())

    async def _run(self, ctx: JobContext, _: Make) -> None:
        plan = self.plan
        assert plan is not None  # noqa: S101  # the kind is registered with a plan only
        taken = await self._told(ctx.step("write", lambda _: self._write(plan), Taken))
        await ctx.change("note", partial(self._note, taken))
        await self._load()

        async def remove(_: str) -> None:
            for name in await asyncio.to_thread(expire, plan.place, plan.keep) if plan.keep else ():
                log.info("%s is removed: newer backups are there", plan.place.where(name))

        await self._told(ctx.step("expire", remove))

    async def _told(self, doing: Awaitable[T]) -> T:
        """Do it; a failure is in the record and in the operator's log before the job is tried again."""
        try:
            return await doing
        except (StrongroomError, StorageFull, OSError) as error:
            why = (isinstance(error, OSError) and error.strerror) or str(error)
            log.error("a backup to %s failed: %s", self.plan.place.shown if self.plan else "", why)
            await self._failed(why)
            raise

    async def _failed(self, why: str) -> None:
        now, tx = self._house.clock.now(), self._house.barrier.begin()
        known = await view(tx).find(RECORD, Record) or Record(now)
        view(tx).put(RECORD, Record(known.since, known.last, known.failures + 1, now, why))
        await tx.commit()
        await self._load()

    async def _note(self, taken: Taken, tx: BarrierTransaction) -> None:
        known = await view(tx).find(RECORD, Record) or Record(taken.created)
        view(tx).put(RECORD, Record(known.since, taken))

    async def _write(self, plan: Plan) -> Taken:
        if not isinstance(self._storage, Copied):
            raise InvalidRequest("this server keeps its store in memory; there is nothing to back up")
        private_directory(self._directory)
        copy = self._directory / f"{secrets.token_hex(16)}.copy"
        try:
            checkpoint = await self._house.auditing.log.checkpoint()
            digest = await self._storage.backup(copy)
            now = self._house.clock.now()
            header = {
                "version": 1,
                "created": rfc3339(now),
                "size_bytes": copy.stat().st_size,
                "sha256": digest,
                "audit_entries": parse(checkpoint).size,
                "audit_checkpoint": checkpoint,
            }
            packed = Packed(header, self._blocks(copy))
            await asyncio.to_thread(plan.place.write, name_at(now), packed)
        finally:
            copy.unlink(missing_ok=True)
        file = plan.place.where(name_at(now))
        taken = Taken(file, now, packed.size_bytes, packed.sha256, parse(checkpoint).size)
        facts: dict[str, str | int] = {
            "file": file,
            "sha256": taken.sha256,
            "audit_entries": taken.audit_entries,
        }
        await self._house.auditing.event("backup", "sys/storage/backups", facts)
        log.info("a backup of %d bytes is in %s", taken.size_bytes, file)
        return taken

    def _blocks(self, copy: Path) -> Iterator[bytes]:
        with copy.open("rb") as file:
            while block := file.read(BLOCK):
                if self._stopping.is_set():
                    raise UpstreamFailed("the server stops; the backup is made again")
                yield block


def _backups(ctx: Context) -> Backups:
    found = core(ctx).services[SERVICE]
    if not isinstance(found, Backups):
        raise TypeError("the server was assembled without backups")
    return found


async def show(ctx: Context, req: Nothing) -> Response:
    backups = _backups(ctx)
    plan, record = backups.plan, backups.record
    if plan is None:
        return Response({"configured": False})
    schedule = await schedules.find(transaction(ctx), SCHEDULE)
    body: dict[str, Any] = {
        "configured": True,
        "place": plan.place.shown,
        "every": plan.every,
        "keep": plan.keep,
        "next_run": rfc3339(schedule.due),
        "overdue": backups.overdue,
        "failures": record.failures if record else 0,
        "error": record.error if record else "",
        "last": _shown(record.last) if record and record.last else None,
    }
    return Response(body, warnings=tuple(_warnings(backups)))


def _shown(taken: Taken) -> dict[str, Any]:
    fields = {name: getattr(taken, name) for name in taken.__struct_fields__}
    return {**fields, "created": rfc3339(taken.created)}


def _warnings(backups: Backups) -> Iterator[str]:
    record = backups.record
    if record is not None and record.failures:
        yield f"backups fail: {record.error}"
    if backups.overdue:
        yield "the last backup is older than the configuration allows"


async def make_now(ctx: Context, req: Nothing) -> Response:
    if _backups(ctx).plan is None:
        raise NotFound("the configuration has no [backup]")
    job = await enqueue(transaction(ctx), KIND, Make(), now=ctx.now())
    ctx.after_commit(core(ctx).services["jobs"].wake)
    return Response({"job": job})


ROUTES = (
    Route(
        path="storage/backups",
        read=show,
        write=make_now,
        summary="How scheduled backups go; a write makes one now, as a job.",
    ),
)
