"""The audit log as the server uses it: append now, await the disk before answering.

Entries collect on the event loop; a thread writes and syncs them as one batch, and while it does the
next batch collects. `append` returns a ticket. Tickets are never used twice; a ticket is its entry's
sequence in the log unless an earlier batch since the start could not be written, for then the lines
that follow close ranks: sequences have no gaps.
"""

import asyncio
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from strongroom.audit.checkpoint import Signer
from strongroom.audit.segments import SEGMENT_BYTES
from strongroom.audit.writer import Writer
from strongroom.clock import Clock
from strongroom.errors import AuditFailed

T = TypeVar("T")
Waiter = Callable[[str], None]  # told that its entry is on disk, or why not
_LOST = "the audit entry could not be written"
_FAILURES_KEPT = 1024  # ranges; an entry's waiter asks within a request's deadline


@dataclass(frozen=True, slots=True)
class Settings:
    """How a log works; the defaults are the server's."""

    segment_bytes: int = SEGMENT_BYTES
    patience: float = 10.0  # seconds a batch may take before its waiters are refused
    queue_entries: int = 200_000  # entries that may wait for the disk
    checkpoint_seconds: float = 60.0
    checkpoint_entries: int = 100_000


class Log:
    """One writer's append-only log. Made with `open`, inside the event loop that uses it."""

    def __init__(self, writer: Writer, settings: Settings) -> None:
        self.size = writer.size  # entries on disk
        self.torn_bytes = writer.torn_bytes  # of an unacknowledged entry, cut at the start
        self._writer = writer
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="audit-writer", daemon=True)
        self._pending: list[bytes] = []
        self._scheduled = False
        self._refusal = ""
        self._next = self._settled = self._sent = writer.size
        self._failed: deque[tuple[int, int]] = deque(maxlen=_FAILURES_KEPT)
        self._waiting: list[Waiter] = []  # for the batch on its way
        self._waiting_next: list[Waiter] = []
        self._growth: list[asyncio.Future[None]] = []
        self._patience: asyncio.TimerHandle | None = None
        self._checkpoint_timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, directory: Path, clock: Clock, settings: Settings | None = None) -> "Log":
        """Open or create the log in a directory, recovering from a crash.

        Raises AuditFailed when another process writes it, IntegrityFailure when it is damaged.
        """
        settings = settings or Settings()
        log = cls(await asyncio.to_thread(Writer, directory, clock, settings.segment_bytes), settings)
        log._thread.start()
        return log

    def append(self, entry: bytes) -> int:
        """Queue one JSON object (no sequence, no newline) and return its ticket for `flushed`.

        Raises AuditFailed when the log cannot take entries.
        """
        if self._refusal:
            raise AuditFailed(self._refusal)
        if entry[:2] != b'{"' or b"\n" in entry:
            raise ValueError("an audit entry is one non-empty JSON object on one line")
        if len(self._pending) >= self._settings.queue_entries:
            raise AuditFailed("too many audit entries wait for the disk")
        self._pending.append(entry)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._send)
        ticket = self._next
        self._next = ticket + 1
        return ticket

    async def flushed(self, ticket: int) -> None:
        """Return once the entry is on disk.

        Raises AuditFailed when it could not be written, or the disk does not answer in time.
        """
        if ticket >= self._settled:
            if self._refusal:
                raise AuditFailed(self._refusal)
            waiter = self._loop.create_future()
            (self._waiting if ticket < self._sent else self._waiting_next).append(partial(_resolve, waiter))
            await waiter
        elif self._failed and self._has_failed(ticket):
            raise AuditFailed(_LOST)

    def then(self, ticket: int, call: Waiter) -> None:
        """Call `call` with no reason once the entry is on disk, else with why it is not. It must be quick."""
        if ticket < self._settled:
            self._loop.call_soon(call, _LOST if self._failed and self._has_failed(ticket) else "")
        elif self._refusal:
            self._loop.call_soon(call, self._refusal)
        else:
            (self._waiting if ticket < self._sent else self._waiting_next).append(call)

    async def grown(self, size: int) -> None:
        """Return once the log holds more than `size` entries."""
        while self.size <= size:
            waiter = self._loop.create_future()
            self._growth.append(waiter)
            await waiter

    async def set_signer(self, private: Ed25519PrivateKey | None) -> None:
        """Sign checkpoints with this key from now on, beginning at once.

        None when sealing: one more checkpoint is signed before the key is forgotten.
        """
        if private is None:
            with suppress(AuditFailed):
                await self.checkpoint()
        await self._ask(partial(self._writer.use, Signer(private) if private is not None else None))
        if private is not None and self.size:
            await self.checkpoint()

    async def checkpoint(self) -> str:
        """A signed checkpoint that covers every entry flushed so far. Raises AuditFailed."""
        return await self._ask(self._writer.checkpoint)

    async def close(self) -> None:
        """Write what is queued, sign a last checkpoint if there is a key, and let go of the files."""
        with suppress(AuditFailed):
            await self.flushed(self._next - 1)
        self._refusal = "the audit log is closed"
        if self._checkpoint_timer is not None:
            self._checkpoint_timer.cancel()
        with suppress(AuditFailed):
            await self.checkpoint()
        await self._ask(self._writer.close)
        self._jobs.put(None)
        self._thread.join()

    def _send(self) -> None:
        """Hand what has collected to the thread."""
        batch, self._pending = self._pending, []
        self._waiting, self._waiting_next = self._waiting_next, []
        self._sent = self._next
        self._patience = self._loop.call_later(self._settings.patience, self._overdue)
        self._jobs.put(partial(self._write, batch))

    def _settle(self, count: int, failure: str) -> None:
        """The batch is on disk, or is not: wake its waiters and send the next."""
        if self._patience is not None:
            self._patience.cancel()
        first, self._settled = self._settled, self._sent
        self._refusal = ""
        if failure:
            self._remember_failure(first, self._settled)
        else:
            self.size += count
            self._watch_checkpoints()
            grown, self._growth = self._growth, []
            for waiter in grown:
                _resolve(waiter, "")
        waiting, self._waiting = self._waiting, []
        self._wake(waiting, failure)
        if self._pending:
            self._loop.call_soon(self._send)
        else:
            self._scheduled = False

    def _overdue(self) -> None:
        """The disk hangs: refuse everyone now. The entries may still be written later."""
        self._refusal = f"the audit log's disk has not answered for {self._settings.patience:g} seconds"
        waiting = self._waiting + self._waiting_next
        self._waiting, self._waiting_next = [], []
        self._wake(waiting, self._refusal)

    def _wake(self, waiting: list[Waiter], failure: str) -> None:
        """Tell each; what one of them raises is the loop's to report, and keeps nothing from the others."""
        for waiter in waiting:
            try:
                waiter(failure)
            except Exception as error:  # a door: one caller's fault is not another's
                self._loop.call_exception_handler({"message": "after an audit entry", "exception": error})

    def _has_failed(self, ticket: int) -> bool:
        """Whether a settled ticket's batch failed; those too old to be remembered count as failed."""
        if len(self._failed) == _FAILURES_KEPT and ticket < self._failed[0][0]:
            return True
        at = bisect_right(self._failed, ticket, key=lambda failed: failed[0]) - 1
        return at >= 0 and ticket < self._failed[at][1]

    def _remember_failure(self, first: int, end: int) -> None:
        """Note a range of tickets that failed; neighbours become one range."""
        if self._failed and self._failed[-1][1] == first:
            first = self._failed.pop()[0]
        self._failed.append((first, end))

    def _watch_checkpoints(self) -> None:
        if self._checkpoint_timer is None:
            wait = self._settings.checkpoint_seconds
            self._checkpoint_timer = self._loop.call_later(wait, self._checkpoint_due)

    def _checkpoint_due(self) -> None:
        self._checkpoint_timer = None
        self._jobs.put(self._checkpoint_quietly)

    async def _ask(self, job: Callable[[], T]) -> T:
        """Run a job on the writer's thread."""
        answer: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(partial(self._answer, job, answer))
        return await answer

    # The writer's thread

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _write(self, batch: list[bytes]) -> None:
        """Write a batch, report, then do what need not hold up the answer."""
        try:
            lines = self._writer.write(batch)
        except Exception as error:  # a worker's door: whatever it is, the waiters must learn of it
            reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
            failure = f"the audit entry could not be written: {reason}"
            self._loop.call_soon_threadsafe(self._settle, 0, failure)
            return
        self._loop.call_soon_threadsafe(self._settle, len(lines), "")
        self._writer.index(lines)
        if self._writer.size - self._writer.signed_size >= self._settings.checkpoint_entries:
            self._checkpoint_quietly()

    def _checkpoint_quietly(self) -> None:
        """A periodic checkpoint; without a key or room on the disk the next one covers more."""
        with suppress(AuditFailed):
            self._writer.checkpoint()

    def _answer(self, job: Callable[[], T], answer: "asyncio.Future[T]") -> None:
        try:
            value = job()
        except Exception as error:  # a worker's door: the caller gets it
            self._loop.call_soon_threadsafe(_deliver_error, answer, error)
        else:
            self._loop.call_soon_threadsafe(_deliver, answer, value)


def _resolve(waiter: "asyncio.Future[None]", failure: str) -> None:
    if waiter.done():
        return
    if failure:
        waiter.set_exception(AuditFailed(failure))
    else:
        waiter.set_result(None)


def _deliver(answer: "asyncio.Future[T]", value: T) -> None:
    if not answer.done():
        answer.set_result(value)


def _deliver_error(answer: "asyncio.Future[T]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
