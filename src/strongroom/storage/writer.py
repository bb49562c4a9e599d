"""The thread that writes: one group of transactions at a time, each group one commit."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from queue import SimpleQueue

from strongroom.storage.contract import StorageFull
from strongroom.storage.database import full_or_end
from strongroom.storage.optimistic import Writes

Done = Callable[[Writes, StorageFull | None], None]

_CHECKPOINT_BYTES = 32 * 2**20  # seldom: each copies every page that changed, and commits wait
_PAGE_BYTES = 4096
_LARGEST_CHUNK = 256
_PUT = "INSERT INTO entries (key, value) VALUES {} ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_DELETE = "DELETE FROM entries WHERE key IN ({})"


class Writer:
    """Owns the writing connection. Results come back to the event loop, one call per group."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._unchecked_bytes = 0
        self._jobs: SimpleQueue[tuple[Writes, asyncio.AbstractEventLoop, Done] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="storage-writer", daemon=True)
        self._thread.start()

    def submit(self, writes: Writes, loop: asyncio.AbstractEventLoop, done: Done) -> None:
        """Write `writes` as one transaction, then call `done` on `loop`."""
        self._jobs.put((writes, loop, done))

    def stop(self) -> None:
        """Finish, fold the log into the file and close; blocks."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            writes, loop, done = job
            failure = self._write(writes)
            loop.call_soon_threadsafe(done, writes, failure)
            if self._unchecked_bytes > _CHECKPOINT_BYTES:
                self._checkpoint("PASSIVE")
        self._checkpoint("TRUNCATE")
        self._connection.close()

    def _write(self, writes: Writes) -> StorageFull | None:
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            for sql, parameters in _statements(writes):
                execute(sql, parameters)
            execute("COMMIT")
        except sqlite3.Error as error:
            failure = full_or_end(error)
            if self._connection.in_transaction:
                execute("ROLLBACK")
            return failure
        self._unchecked_bytes += sum(_PAGE_BYTES + len(value or b"") for value in writes.values())
        return None

    def _checkpoint(self, mode: str) -> None:
        """Copy the log into the file. A full disk only postpones that."""
        self._unchecked_bytes = 0
        try:
            self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        except sqlite3.Error as error:
            full_or_end(error)


def _statements(writes: Writes) -> list[tuple[str, list[str | bytes]]]:
    """Return few statements for many rows: each one executed gives the interpreter's lock away once.

    Chunks are powers of two, so a handful of texts serves all sizes from the statement cache.
    """
    puts: list[str | bytes] = []
    deletes: list[str | bytes] = []
    for key, value in writes.items():
        if value is None:
            deletes.append(key)
        else:
            puts += (key, value)
    return _chunked(_PUT, "(?,?)", puts, 2) + _chunked(_DELETE, "?", deletes, 1)


def _chunked(
    sql: str, row: str, parameters: list[str | bytes], width: int
) -> list[tuple[str, list[str | bytes]]]:
    statements = []
    start, left = 0, len(parameters) // width
    while left:
        rows = min(1 << (left.bit_length() - 1), _LARGEST_CHUNK)
        end = start + rows * width
        statements.append((sql.format(",".join([row] * rows)), parameters[start:end]))
        start, left = end, left - rows
    return statements
