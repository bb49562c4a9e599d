"""Feeding a device from the log: a durable cursor, and the task that moves it.

The log never waits for a device. Delivery is at least once: the cursor is saved after the device took
the lines, so a crash repeats at most the last second; `seq` in each line tells a repeat.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from strongroom.audit.disk import replace, sync_directory
from strongroom.audit.segments import Reader
from strongroom.errors import IntegrityFailure, StrongroomError, UpstreamFailed

CHUNK_BYTES = 1 << 20
SAVE_SECONDS = 1.0  # how often the cursor is saved while lines flow
LINGER_SECONDS = 0.02  # lets lines collect, so that a busy log does not cost one call a line
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 30.0


class Device(Protocol):
    """Where a sink's lines go. Errors are OSError, TimeoutError or UpstreamFailed: tried again."""

    async def deliver(self, lines: Sequence[bytes]) -> None:
        """Hand over lines (no newlines) in order, or raise; the same lines then come again."""
        ...

    async def settle(self) -> None:
        """Make what was delivered last; called before the cursor is saved."""
        ...

    def reopen(self) -> None:
        """Open the destination afresh before the next delivery (SIGHUP)."""
        ...

    async def close(self) -> None:
        """Let go of the destination."""
        ...


class Source(Protocol):
    """What a sink asks of the log."""

    @property
    def size(self) -> int:
        """Entries on disk."""
        ...

    async def grown(self, size: int) -> None:
        """Return once there are more than `size`."""
        ...


class Cursor:
    """The sequence of the next line to deliver, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> int | None:
        """The saved position, or None for a new cursor. Raises IntegrityFailure on nonsense."""
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return None
        if not (text.isascii() and text.strip().isdigit()):
            raise IntegrityFailure(f"the cursor {self._path.name} is damaged")
        return int(text)

    def save(self, position: int) -> None:
        """Keep a position, durably."""
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        replace(self._path, b"%d\n" % position)

    def forget(self) -> None:
        """Remove the cursor with its device."""
        with suppress(FileNotFoundError):
            self._path.unlink()
            sync_directory(self._path.parent)


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """How far a device is behind: `lag` in entries; `error` is empty while deliveries succeed."""

    position: int
    lag: int
    error: str
    failures: int  # in a row


def _untold(error: str) -> None:
    """Where nobody asked to be told."""


class Sink:
    """Moves lines from the log to one device, in a task of its own.

    `tell` hears of the first failure in a row, and of the success that ends it as an empty text.
    """

    def __init__(
        self,
        log: Source,
        directory: Path,
        device: Device,
        cursor: Cursor,
        start: int,
        tell: Callable[[str], None] = _untold,
    ) -> None:
        self._log = log
        self._directory = directory
        self._device = device
        self._tell = tell
        self._cursor = cursor
        self._position = self._saved = start
        self._reader = Reader(directory, start)
        self._error = ""
        self._failures = 0
        self._moved = asyncio.Event()
        self._saved_at = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._run())

    def status(self) -> SinkStatus:
        """Where the sink is, and why it is behind if it is."""
        return SinkStatus(self._position, self._log.size - self._position, self._error, self._failures)

    def reopen(self) -> None:
        """Open the destination afresh before the next delivery."""
        self._device.reopen()

    async def reached(self, position: int) -> None:
        """Return once every line before `position` is delivered."""
        while self._position < position:
            self._moved.clear()
            await self._moved.wait()

    async def stop(self, patience: float, forget: bool = False) -> None:
        """Deliver what the log holds now, for at most `patience` seconds; then save and close.

        With `forget` the cursor goes too: a device of that name starts anew.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self.reached(self._log.size)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        with suppress(OSError, UpstreamFailed):
            await self._save()
        await self._device.close()
        self._reader.close()
        if forget:
            self._cursor.forget()

    async def _run(self) -> None:
        while True:
            try:
                await self._idle()
                full = await self._step()
            except (OSError, TimeoutError, StrongroomError) as error:
                await self._back_off(error)
                continue
            if self._failures:
                self._error, self._failures = "", 0
                self._tell("")
            if not full:
                await asyncio.sleep(LINGER_SECONDS)

    async def _idle(self) -> None:
        """Wait for lines; save the cursor when they stop, or once a second while they do not."""
        try:
            async with asyncio.timeout(SAVE_SECONDS if self._saved < self._position else None):
                await self._log.grown(self._position)
        except TimeoutError:
            await self._save()
            await self._log.grown(self._position)

    async def _step(self) -> bool:
        """Deliver one chunk; returns whether there was a whole chunk, so that more may wait."""
        lines = await asyncio.to_thread(self._reader.read, self._log.size, CHUNK_BYTES)
        if not lines:
            raise IntegrityFailure(f"audit entry {self._position} is not where the log should hold it")
        await self._device.deliver(lines)
        self._position = self._reader.next
        self._moved.set()
        if asyncio.get_running_loop().time() - self._saved_at >= SAVE_SECONDS:
            await self._save()
        return self._position < self._log.size

    async def _save(self) -> None:
        if self._saved < self._position:
            position = self._position
            await self._device.settle()
            await asyncio.to_thread(self._cursor.save, position)
            self._saved = position
            self._saved_at = asyncio.get_running_loop().time()

    async def _back_off(self, error: Exception) -> None:
        """Go back to the last delivered line and wait before trying again."""
        self._error = _reason(error)
        self._failures += 1
        if self._failures == 1:
            self._tell(self._error)
        self._reader.close()
        self._reader = Reader(self._directory, self._position)
        await asyncio.sleep(min(FIRST_RETRY_SECONDS * 2 ** min(self._failures - 1, 10), LAST_RETRY_SECONDS))


def _reason(error: Exception) -> str:
    """An error in words; the system's own words where it has some, whichever event loop raised it."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
