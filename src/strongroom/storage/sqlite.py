"""Storage in one SQLite file: the embedded default.

Reads answer on the event loop from the writes in flight, the ciphertext cache or
the file's pages. Commits that arrive while a group is being written form the next
group: one thread, one fsync, however many transactions. See `docs/storage.md`.
"""

import asyncio
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from strongroom.errors import IntegrityFailure
from strongroom.storage import database
from strongroom.storage.cache import Cache
from strongroom.storage.contract import StorageFull, Transaction
from strongroom.storage.files import DirectoryLock, private_directory, private_file, sync_directory
from strongroom.storage.optimistic import OptimisticTransaction, Writes
from strongroom.storage.snapshot import write_snapshot
from strongroom.storage.writer import Writer

CACHE_BYTES = 32 * 2**20
SMALLEST_GROUP, GROUPS = 8, 4
"""Commits that wait together leave in about so many groups, none needlessly small. As one they would come
back as one, and be in step for good: the event loop idle while the disk works, and the disk while it does."""
_GET = "SELECT value FROM entries WHERE key = ?"
_KEYS = "SELECT key FROM entries WHERE key >= ? ORDER BY key LIMIT ?"
_KEYS_BELOW = "SELECT key FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"


@dataclass(slots=True)
class _Group:
    """Transactions that become durable together; later ones overwrite earlier ones' keys."""

    writes: list[Writes] = field(default_factory=list)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)

    def front(self, most: int) -> "_Group":
        """Take out the first `most` of them."""
        taken = _Group(self.writes[:most], self.waiters[:most])
        del self.writes[:most], self.waiters[:most]
        return taken


class SqliteStorage:
    """The store in a directory of its own, held by this process until `close`."""

    def __init__(self, directory: Path, cache_bytes: int = CACHE_BYTES) -> None:
        """Open or create the store. Raises StoreInUse, IntegrityFailure."""
        private_directory(directory)
        self._lock = DirectoryLock(directory)
        self._path = directory / database.NAME
        try:
            private_file(self._path)
            self._writer = Writer(database.connect_writer(self._path))
            self._reader = database.connect_reader(self._path)
            sync_directory(directory)
        except BaseException:
            self._lock.release()
            raise
        self._cache = Cache(cache_bytes)
        self._closed = False
        self._open = _Group()
        self._writing: _Group | None = None
        self.unsettled: Writes = {}
        self.changes = 0

    def begin(self) -> Transaction:
        """Start a transaction; it holds no lock."""
        return OptimisticTransaction(self)

    async def close(self) -> None:
        """Finish what was handed over, fold the log into the file and release the store."""
        if self._closed:
            return
        self._closed = True
        try:
            await self.settle()
        finally:
            await asyncio.to_thread(self._writer.stop)
            self._reader.close()
            self._lock.release()

    async def backup(self, path: Path) -> str:
        """Write a consistent copy to `path` while serving; return its SHA-256 in hex.

        Raises InvalidRequest when `path` exists, StorageFull when there is no room.
        """
        await self.settle()
        return await asyncio.to_thread(write_snapshot, self._path, path)

    def read(self, key: str) -> bytes | None:
        """Return the newest value, durable or not."""
        if key in self.unsettled:
            return self.unsettled[key]
        return self._cache.get(key, self._load)

    def keys(self, prefix: str, after: str, limit: int) -> list[str]:
        """Return the newest keys, in order."""
        flying = {
            key: value for key, value in self.unsettled.items() if key.startswith(prefix) and key > after
        }
        hidden = sum(value is None for value in flying.values())
        found = self._stored_keys(prefix, after, limit + hidden)
        if not flying:
            return found
        kept = {key for key in found if flying.get(key, b"") is not None}
        kept.update(key for key, value in flying.items() if value is not None)
        return sorted(kept)[:limit]

    async def apply(self, writes: Writes) -> None:
        """Make `writes` readable at once and return when they are durable. Raises StorageFull."""
        if self._closed:
            raise RuntimeError("the store is closed")
        group = self._open
        if self._writing is None and not group.waiters:
            # The group leaves at the end of this turn of the loop, with what else commits in it.
            asyncio.get_running_loop().call_soon(self._flush)
        self.changes += 1
        self.unsettled.update(writes)
        await _joined(group, writes)

    async def settle(self) -> None:
        """Return when all that was handed over is durable. Raises StorageFull."""
        if self._open.waiters:
            await _joined(self._open, {})
        elif self._writing is not None:
            await _joined(self._writing, {})

    def _flush(self) -> None:
        if self._writing is None and self._open.waiters:
            waiting = self._open.waiters
            self._writing = self._open.front(max(SMALLEST_GROUP, len(waiting) // GROUPS))
            writes = {key: value for each in self._writing.writes for key, value in each.items()}
            self._writer.submit(writes, asyncio.get_running_loop(), self._written)

    def _written(self, writes: Writes, failure: StorageFull | None) -> None:
        """Take the writer's answer: the group is durable, or nothing in flight happened."""
        group, self._writing = self._writing, None
        assert group is not None  # noqa: S101  # one group is out at a time; its answer is this call
        if failure is None:
            self._remember(writes)
            _resolve(group, None)
            self._flush()
        else:
            # What is waiting may have read what has just failed, so it fails too.
            waiting, self._open = self._open, _Group()
            self.unsettled.clear()
            self.changes += 1
            _resolve(group, failure)
            _resolve(waiting, failure)

    def _remember(self, writes: Writes) -> None:
        unsettled = self.unsettled
        for key, value in writes.items():
            self._cache.set(key, value)
            if unsettled.get(key, b"") is value:
                del unsettled[key]

    def _load(self, key: str) -> bytes | None:
        try:
            row = self._reader.execute(_GET, (key,)).fetchone()
        except sqlite3.DatabaseError as error:
            raise IntegrityFailure(f"the store cannot be read: {error}") from error
        return None if row is None else row[0]

    def _stored_keys(self, prefix: str, after: str, limit: int) -> list[str]:
        # The text that sorts next after `after` is the same with a NUL appended.
        first = max(prefix, after + "\0") if after else prefix
        end = _prefix_end(prefix)
        query = (_KEYS, (first, limit)) if end is None else (_KEYS_BELOW, (first, end, limit))
        try:
            return [key for (key,) in self._reader.execute(*query)]
        except sqlite3.DatabaseError as error:
            raise IntegrityFailure(f"the store cannot be read: {error}") from error


def _joined(group: _Group, writes: Writes) -> asyncio.Future[None]:
    """Return a future of the caller's own, so that cancelling one waiter leaves the others."""
    waiter = asyncio.get_running_loop().create_future()
    group.writes.append(writes)
    group.waiters.append(waiter)
    return waiter


def _resolve(group: _Group, failure: StorageFull | None) -> None:
    for waiter in group.waiters:
        if waiter.done():
            continue
        if failure is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(StorageFull(*failure.args))


def _prefix_end(prefix: str) -> str | None:
    """Return the first text after all that start with `prefix`; None when nothing sorts after them."""
    head = prefix.rstrip("\U0010ffff")
    if not head:
        return None
    code = ord(head[-1]) + 1
    # Surrogates are no characters, so U+D7FF is followed by U+E000.
    return head[:-1] + chr(0xE000 if code == 0xD800 else code)
