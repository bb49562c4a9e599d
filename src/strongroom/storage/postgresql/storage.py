"""The store of several nodes, as one of them has it open."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from strongroom.errors import Unavailable
from strongroom.storage.contract import Transaction
from strongroom.storage.postgresql.address import Address
from strongroom.storage.postgresql.copying import last_written, write_snapshot
from strongroom.storage.postgresql.groups import Groups
from strongroom.storage.postgresql.reach import Reach
from strongroom.storage.postgresql.reading import Reading, Value, Watcher
from strongroom.storage.postgresql.recent import Recent
from strongroom.storage.postgresql.transaction import PostgresqlTransaction

log = logging.getLogger(__name__)

CACHE_BYTES = 32 * 2**20
PULSE_SECONDS = 1.0


class PostgresqlStorage:
    """One node's side of the store. Made with `open`."""

    def __init__(self, address: Address, cache_bytes: int = CACHE_BYTES) -> None:
        self._conninfo = address.conninfo
        self._reach = Reach(address.conninfo, self._arrived)
        self._reading = Reading(self._reach.reads.ask, cache_bytes)
        self._groups = Groups(self._reach.writes.ask, lambda: self._reading.recent, self._reading.written)
        self._pulse: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, address: Address, cache_bytes: int = CACHE_BYTES) -> "PostgresqlStorage":
        """Connect, laying out an empty database. Raises Unavailable, IntegrityFailure, StoreInUse."""
        store = cls(address, cache_bytes)
        await store._reach.open()
        store._pulse = asyncio.create_task(store._beat())
        return store

    def begin(self, moment: int = 0) -> Transaction:
        """Start a transaction; it reads nothing older than `moment` (one that `fresh` gave), or than now."""
        return PostgresqlTransaction(self, moment or self._reading.moment)

    async def fresh(self) -> int:
        """Hear of every change up to now, of whichever node. Raises Unavailable."""
        return await self._reading.fresh()

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` which keys other nodes changed, before any answer rests on it; None for any."""
        self._reading.watchers.append(watcher)

    async def backup(self, path: Path) -> str:
        """Write a consistent copy to `path` while all nodes serve; return its SHA-256 in hex.

        Raises InvalidRequest when `path` exists, StorageFull when there is no room, Unavailable.
        """
        await self.fresh()
        return await asyncio.to_thread(write_snapshot, self._conninfo, self._reading.recent.known, path)

    @property
    def identity(self) -> str:
        """The store's id, drawn when it was laid out."""
        return self._reach.store

    @property
    def position(self) -> int:
        """The number of the latest change that this node has heard of."""
        return self._reading.recent.known

    async def last_written(self) -> str:
        """When the latest change was written, in UTC; empty when that is not known. Raises Unavailable."""
        return await asyncio.to_thread(last_written, self._conninfo)

    @property
    def reachable(self) -> bool:
        """Whether the store answers, as far as is known."""
        return self._reach.reachable

    def hurry(self) -> None:
        """The server stops: from now on, refuse what cannot be asked at once."""
        self._reach.hurry()

    async def close(self) -> None:
        """Finish what was handed to `commit` and let the database go."""
        if self._closed:
            return
        self._closed = True
        await self._groups.settled()
        if self._pulse is not None:
            self._pulse.cancel()
            await asyncio.gather(self._pulse, return_exceptions=True)
        await self._reach.close()

    @property
    def recent(self) -> Recent:
        """What is known of changes."""
        return self._reading.recent

    async def read(self, key: str, moment: int) -> Value:
        """The value at `key`, not older than `moment`. Raises Unavailable."""
        return await self._reading.read(key, moment)

    async def keys(self, first: bytes, beyond: bytes, limit: int) -> tuple[list[str], int]:
        """Keys in order, and the position at which they were read. Raises Unavailable."""
        return await self._reading.keys(first, beyond, limit)

    async def commit(self, tx: PostgresqlTransaction) -> None:
        """Make a transaction durable. Raises Conflict, StorageFull, Unavailable."""
        if self._closed:
            raise RuntimeError("the store is closed")
        await self._groups.commit(tx)

    def _arrived(self, head: int) -> None:
        if head < self.position:
            log.error(
                "the store went back from change %d to %d: what came between is lost", self.position, head
            )
        self._reading.arrived(head)

    async def _beat(self) -> None:
        """Keep up with the other nodes while nobody asks."""
        while True:
            await asyncio.sleep(PULSE_SECONDS)
            with suppress(Unavailable):
                await self._reading.fresh()
