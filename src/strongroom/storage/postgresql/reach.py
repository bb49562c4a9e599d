"""Keeping the primary in reach: two connections, found dead soon, made again at a steady pace.

Both go to the same server and are given up together, so that what one of them reads and the other
writes is always one store. Questions wait while there is no connection, for a few seconds only:
what cannot be asked is refused.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable

from psycopg.pq.abc import PGconn

from strongroom.errors import IntegrityFailure, Unavailable
from strongroom.sensitive import Sensitive
from strongroom.storage.contract import StoreInUse
from strongroom.storage.postgresql import schema
from strongroom.storage.postgresql.connecting import UNREACHABLE, open_connection
from strongroom.storage.postgresql.link import Link, Question

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds a question may wait for a connection, and a sent one for its answer."""
WRITE_PATIENCE = 15.0
PACE = 0.5
WATCH = 0.25


class Channel:
    """Questions of one kind, over whichever connection there is."""

    def __init__(self, patience: float) -> None:
        self.link: Link | None = None
        self.hurried = False
        self._patience = patience
        self._backlog: deque[Question] = deque()

    def ask(self, question: Question) -> None:
        """Send a question now, or as soon as there is a connection."""
        if self.link is None:
            self._backlog.append(question)
        else:
            self.link.send(question)

    def open(self, link: Link) -> None:
        """Use `link`; what waits is asked again, in its order."""
        waiting, self._backlog = self._backlog, deque()
        self.link = link
        for question in waiting:
            self.ask(question)

    def drop(self) -> None:
        """Stop using the connection; what it has not answered waits for the next one."""
        link, self.link = self.link, None
        if link is not None:
            link.close()
            self._backlog.extendleft(reversed(link.waiting))

    def overdue(self, now: float) -> bool:
        """Whether the connection leaves a question without an answer for too long."""
        return bool(self.link and self.link.waiting and now - self.link.waiting[0].asked > self._patience)

    def refuse(self, now: float) -> None:
        """Refuse what has waited too long for a connection."""
        patience = 0 if self.hurried else self._patience
        while self._backlog and now - self._backlog[0].asked > patience:
            self._backlog.popleft().failed(Unavailable(UNREACHABLE))

    def end(self) -> None:
        """Refuse all that waits, for good."""
        self.drop()
        while self._backlog:
            self._backlog.popleft().failed(Unavailable("the store is closed"))


class Reach:
    """The way to the store. `arrived` is called with the position of the store at each new connection."""

    def __init__(self, conninfo: Sensitive[str], arrived: Callable[[int], None]) -> None:
        self.reads = Channel(PATIENCE)
        self.writes = Channel(WRITE_PATIENCE)
        self._conninfo = conninfo
        self._arrived = arrived
        self.store = ""
        self._connecting: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def reachable(self) -> bool:
        """Whether there is a connection now."""
        return self.reads.link is not None

    async def open(self) -> None:
        """Connect for the first time, to a store laid out if need be.

        Raises Unavailable, IntegrityFailure, StoreInUse.
        """
        await self._connect()
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Give everything up."""
        self._closed = True
        tasks = [task for task in (self._watching, self._connecting) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.reads.end()
        self.writes.end()

    def hurry(self) -> None:
        """Let nothing wait for a connection any more."""
        self.reads.hurried = self.writes.hurried = True

    def lose(self) -> None:
        """Give up the present connections and make new ones."""
        self.reads.drop()
        self.writes.drop()
        if not self._closed and self._connecting is None:
            log.warning("the connection to the store is lost; connecting again")
            self._connecting = asyncio.create_task(self._reconnect())

    async def _reconnect(self) -> None:
        said = ""
        while True:
            try:
                await self._connect()
            except (Unavailable, IntegrityFailure, StoreInUse) as error:
                if said != (said := str(error)):
                    log.warning("no connection to the store yet: %s", error)
            else:
                log.warning("connected to the store again")
                self._connecting = None
                return
            await asyncio.sleep(PACE * random.uniform(0.8, 1.2))  # noqa: S311  # spread, not secrecy

    async def _connect(self) -> None:
        made = await asyncio.to_thread(_pair, self._conninfo, self.store)
        reading, writing, self.store, head = made
        if self._closed:
            reading.finish()
            writing.finish()
            return
        self._arrived(head)
        # A question sent at once may find the connection broken: both are in place before that.
        links = Link(reading, lambda _: self.lose()), Link(writing, lambda _: self.lose())
        self.reads.open(links[0])
        self.writes.open(links[1])

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(WATCH)
            now = loop.time()
            if self.reads.overdue(now) or self.writes.overdue(now):
                self.lose()
            self.reads.refuse(now)
            self.writes.refuse(now)


def _pair(conninfo: Sensitive[str], store: str) -> tuple[PGconn, PGconn, str, int]:
    """Two prepared connections to one server, the store's id and position. Blocks.

    Raises Unavailable, StoreInUse, and IntegrityFailure when it is not the store `store`.
    """
    made: list[PGconn] = []
    try:
        reading = open_connection(conninfo)
        made.append(reading)
        writing = open_connection(conninfo)
        made.append(writing)
        if _server(reading) != _server(writing):
            raise Unavailable("the store is moving from one server to another")
        schema.lay_out(writing)
        for connection in made:
            schema.prepare(connection)
        if not schema.hold(reading):
            raise StoreInUse("the store is being moved by 'strongroom migrate'")
        found, head = schema.position(writing)
        if store not in ("", found):
            raise IntegrityFailure("another store answers at this address")
    except BaseException:
        for connection in made:
            connection.finish()
        raise
    return reading, writing, found, head


def _server(connection: PGconn) -> bytes | None:
    """What tells one server's life from another's."""
    return schema.ask(connection, "SELECT pg_postmaster_start_time()::text")
