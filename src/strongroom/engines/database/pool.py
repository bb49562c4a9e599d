"""A small pool of connections: a limit, a stack of idle ones, quick refusal while the database is down."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from strongroom.errors import UpstreamFailed
from strongroom.jobs import still_ours

REFUSE_SECONDS = 1.0
WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """At most `open` connections, `idle` of them unused, each for `lifetime` seconds (0: for ever)."""

    open: int = 4
    idle: int = 4
    lifetime: int = 0


class Connection(Protocol):
    """What is pooled."""

    def usable(self) -> bool:
        """Whether it is open and between statements."""
        ...

    def close(self) -> None:
        """Let go of it without waiting."""
        ...


C = TypeVar("C", bound=Connection)


class Pool(Generic[C]):
    """Lends connections made by `connect`, which raises UpstreamFailed."""

    def __init__(self, connect: Callable[[], Awaitable[C]], limits: Limits) -> None:
        self._connect = connect
        self._limits = limits
        self._room = asyncio.Semaphore(limits.open)
        self._idle: list[tuple[C, float]] = []
        self._closed = False
        self._down: tuple[float, str] = (0.0, "")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[C]:
        """Lend a connection; one that comes back in the middle of something is closed.

        Raises UpstreamFailed when none can be had, Fenced when a job's worker has lost its job meanwhile.
        """
        try:
            await asyncio.wait_for(self._room.acquire(), WAIT_SECONDS)
        except TimeoutError:
            raise UpstreamFailed("every connection to the database is busy") from None
        try:
            connection, born = await self._take()
            try:
                await still_ours()
                yield connection
            finally:
                self._give_back(connection, born)
        finally:
            self._room.release()

    async def _take(self) -> tuple[C, float]:
        while self._idle:
            connection, born = self._idle.pop()
            if connection.usable() and not self._old(born):
                return connection, born
            connection.close()
        until, message = self._down
        if time.monotonic() < until:
            raise UpstreamFailed(message)
        try:
            return await self._connect(), time.monotonic()
        except UpstreamFailed as error:
            self._down = (time.monotonic() + REFUSE_SECONDS, str(error))
            raise

    def _give_back(self, connection: C, born: float) -> None:
        if self._closed or len(self._idle) >= self._limits.idle or not connection.usable():
            connection.close()
        else:
            self._idle.append((connection, born))

    def _old(self, born: float) -> bool:
        return 0 < self._limits.lifetime <= time.monotonic() - born

    def close(self) -> None:
        """Close what is idle now, and what is lent when it comes back."""
        self._closed = True
        while self._idle:
            self._idle.pop()[0].close()
