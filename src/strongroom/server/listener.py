"""The listening socket and its connections: accepting, deadlines, draining, new certificates."""

import asyncio
import contextlib
import socket
import ssl
import time
from email.utils import formatdate
from http import HTTPStatus

from strongroom.api.app import Api
from strongroom.api.limits import BodyLimits
from strongroom.server.connection import Connection
from strongroom.server.limits import Limits
from strongroom.server.repeats import Repeats

_SWEEP_SECONDS = 1.0
_BACKLOG = 4096
_TLS_SHUTDOWN_SECONDS = 5
_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {472: "Standby", 473: "Standby"}


class Listener:
    """Accepts on one socket. `tick` is the loop's time at the last sweep, in seconds."""

    def __init__(
        self, api: Api, limits: Limits, *, tls: ssl.SSLContext | None = None, sweep: float = _SWEEP_SECONDS
    ) -> None:
        self.api = api
        self.limits = limits
        self.repeats = Repeats()
        self.body_limits = BodyLimits(limits.body_bytes, limits.login_body_bytes)
        self.draining = False
        self._heads: dict[int, bytes] = {}
        self._tls = tls
        self._sweep_seconds = sweep
        self.connections: set[Connection] = set()
        self._reserved = 0
        self._empty = asyncio.Event()
        self._empty.set()

    async def start(self, listening: socket.socket) -> None:
        """Accept on a bound socket from now on."""
        self.loop = asyncio.get_running_loop()
        self._socket = listening
        self.tick = self.loop.time()
        self._server = await self._serve(self._tls)
        self._sweeper = self.loop.create_task(self._sweep_forever())

    async def replace_certificates(self, tls: ssl.SSLContext) -> None:
        """Use `tls` for connections from now on; those that are open keep theirs.

        Both servers accept from the same socket in turn, so none is refused meanwhile.
        """
        old, self._server = self._server, await self._serve(tls)
        self._tls = tls
        old.close()

    async def _serve(self, tls: ssl.SSLContext | None) -> asyncio.Server:
        listening, handshake = self._socket.dup(), self.limits.handshake_seconds
        if tls is None:
            return await self.loop.create_server(lambda: Connection(self), sock=listening, backlog=_BACKLOG)
        return await self.loop.create_server(
            lambda: Connection(self),
            sock=listening,
            backlog=_BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=handshake,
            ssl_shutdown_timeout=_TLS_SHUTDOWN_SECONDS,
        )

    async def stop(self) -> None:
        """Stop accepting, let what is under way finish within the drain time, cut the rest."""
        self._server.close()
        self._socket.close()
        self.draining = True
        for connection in list(self.connections):
            connection.drain()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), self.limits.drain_seconds)
        for connection in list(self.connections):
            connection.abort()
        self._sweeper.cancel()

    def admit(self, connection: Connection) -> bool:
        """Count a new connection in; False when there are too many."""
        if self.draining or len(self.connections) >= self.limits.connections:
            return False
        self.connections.add(connection)
        self._empty.clear()
        return True

    def release(self, connection: Connection, body_bytes: int) -> None:
        """A connection has ended; what its body held is free again."""
        self._reserved -= body_bytes
        self.connections.discard(connection)
        if not self.connections:
            self._empty.set()

    def reserve(self, size: int) -> bool:
        """Take (or with a negative size give back) room for bodies; False when there is none."""
        self._reserved += size
        return size <= 0 or self._reserved <= self.limits.buffered_bytes

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_seconds)
            self.sweep(self.loop.time())

    def sweep(self, now: float) -> None:
        """Move the hands to `now`, in the loop's seconds, and end what is past its deadline."""
        self.tick = now
        self._heads.clear()
        for connection in [one for one in self.connections if one.deadline <= now]:
            connection.expire()

    def head_of(self, status: int) -> bytes:
        """The status line and what every answer carries; made once a sweep, for the date in it."""
        head = self._heads.get(status)
        if head is None:
            lines = (
                f"HTTP/1.1 {status} {_PHRASES.get(status, 'Unknown')}",
                f"date: {formatdate(time.time(), usegmt=True)}",
                "cache-control: no-store",
                "x-content-type-options: nosniff",
                *(("strict-transport-security: max-age=31536000; includeSubDomains",) if self._tls else ()),
                "",
            )
            head = self._heads[status] = "\r\n".join(lines).encode("ascii")
        return head
