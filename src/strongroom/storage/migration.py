"""Moving a store between SQLite and PostgreSQL, as it is: ciphertext, entry by entry, then compared.

Entries are copied in the order of their keys, so a move that was cut short goes on behind the last
one. The target opens as a store only when everything in it has been compared with the source, which is
left as it was. Everything here blocks.
"""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg.pq.abc import PGconn

from strongroom.errors import IntegrityFailure, InvalidRequest, Unavailable
from strongroom.storage import database
from strongroom.storage.contract import StoreInUse
from strongroom.storage.files import DirectoryLock, private_directory, private_file, sync_directory
from strongroom.storage.postgresql import schema
from strongroom.storage.postgresql.address import Address
from strongroom.storage.postgresql.connecting import open_connection
from strongroom.storage.postgresql.transaction import MAX_KEY_BYTES

PAGE = 500
PARTIAL = "migration.partial"
Entry = tuple[bytes, bytes]


class Source(Protocol):
    """Where entries come from."""

    def page(self, after: bytes) -> list[Entry]:
        """Up to PAGE entries whose keys sort after `after`, in order."""
        ...


class Place(Source, Protocol):
    """One end of a move, held for it alone."""

    def add(self, entries: list[Entry]) -> None:
        """Write entries, durably."""
        ...

    def last(self) -> bytes:
        """The last key, empty when there is none."""
        ...

    def finish(self) -> None:
        """Make a store of what was written."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class SnapshotPlace:
    """A snapshot of a store, as a backup holds it: to be read only."""

    def __init__(self, snapshot: Path) -> None:
        self._connection = sqlite3.connect(
            f"{snapshot.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None
        )

    def page(self, after: bytes) -> list[Entry]:
        """Up to PAGE entries whose keys sort after `after`, in order."""
        return _page(self._connection, after)

    def close(self) -> None:
        """Let go."""
        self._connection.close()


class SqlitePlace:
    """A data directory. Raises StoreInUse, and InvalidRequest when it is no fit source or target."""

    def __init__(self, directory: Path, *, target: bool) -> None:
        store = directory / database.NAME
        if target and store.exists():
            raise InvalidRequest(f"{directory} holds a store already")
        if not target and not store.exists():
            raise InvalidRequest(f"{directory} holds no store")
        private_directory(directory)
        self._directory = directory
        self._lock = DirectoryLock(directory)
        self._path = directory / PARTIAL if target else store
        if target:
            private_file(self._path)
        self._connection = database.connect_writer(self._path)
        if target:
            self._connection.execute("PRAGMA journal_mode = DELETE")

    def page(self, after: bytes) -> list[Entry]:
        return _page(self._connection, after)

    def add(self, entries: list[Entry]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            "INSERT INTO entries (key, value) VALUES (?, ?)",
            [(key.decode(), value) for key, value in entries],
        )
        self._connection.execute("COMMIT")

    def last(self) -> bytes:
        found = self._connection.execute("SELECT max(key) FROM entries").fetchone()[0]
        return found.encode() if found else b""

    def finish(self) -> None:
        self._connection.close()
        self._path.rename(self._directory / database.NAME)
        sync_directory(self._directory)

    def close(self) -> None:
        self._connection.close()
        self._lock.release()


class PostgresqlPlace:
    """A database. Raises StoreInUse, Unavailable, and InvalidRequest when it is no fit source or target."""

    def __init__(self, address: Address, *, target: bool) -> None:
        self._holding: PGconn = open_connection(address.conninfo)
        self._connection: psycopg.Connection[Any] | None = None
        try:
            schema.lay_out(self._holding, filled=target)
            if not schema.hold(self._holding, alone=True):
                raise StoreInUse(f"a server works on {address.shown}")
            self._connection = psycopg.connect(address.conninfo.reveal(), autocommit=True)
            self._prepare(target)
        except psycopg.Error:
            self.close()
            raise Unavailable(f"{address.shown} cannot be used") from None
        except BaseException:
            self.close()
            raise

    def _prepare(self, target: bool) -> None:
        moving = schema.ask(self._holding, schema.MOVING)
        empty = not self.page(b"")
        if target and not moving and not empty:
            raise InvalidRequest("the database holds a store already")
        if not target and empty:
            raise InvalidRequest("the database holds no store")
        if target and not moving:
            schema.run(self._holding, "UPDATE strongroom.store SET version = -version")

    @property
    def _open(self) -> "psycopg.Connection[Any]":
        if self._connection is None:
            raise Unavailable("the database is closed")
        return self._connection

    def page(self, after: bytes) -> list[Entry]:
        rows = self._open.execute(
            "SELECT key, value FROM strongroom.entries WHERE key > %s ORDER BY key LIMIT %s",
            (after, PAGE),
            binary=True,
        )
        return [(bytes(key), bytes(value)) for key, value in rows.fetchall()]

    def add(self, entries: list[Entry]) -> None:
        for key, _ in entries:
            if len(key) > MAX_KEY_BYTES:
                raise InvalidRequest(
                    f"a path of more than {MAX_KEY_BYTES} bytes cannot be kept in PostgreSQL"
                )
        with self._open.transaction(), self._open.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")
            cursor.executemany("INSERT INTO strongroom.entries (key, value) VALUES (%s, %s)", entries)

    def last(self) -> bytes:
        found = self._open.execute(
            "SELECT key FROM strongroom.entries ORDER BY key DESC LIMIT 1", binary=True
        ).fetchone()
        return bytes(found[0]) if found else b""

    def finish(self) -> None:
        schema.run(self._holding, "UPDATE strongroom.store SET version = abs(version)")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._holding.finish()


def move(source: Source, target: Place, copied: Callable[[int], None] = lambda _: None) -> int:
    """Copy what is missing, compare everything, make a store of it; return how many entries there are.

    Raises IntegrityFailure when both ends are not the same afterwards.
    """
    after = target.last()
    while page := source.page(after):
        target.add(page)
        after = page[-1][0]
        copied(len(page))
    count = 0
    for ours, theirs in _pairs(source, target):
        if ours != theirs:
            key = min(entry[0] for entry in (ours, theirs) if entry is not None).decode(errors="replace")
            raise IntegrityFailure(f"the entry {key} is not the same in both: the move is not finished")
        count += 1
    target.finish()
    return count


def _pairs(source: Source, target: Source) -> Iterator[tuple[Entry | None, Entry | None]]:
    after = b""
    while True:
        here, there = source.page(after), target.page(after)
        for number in range(max(len(here), len(there))):
            yield (
                here[number] if number < len(here) else None,
                there[number] if number < len(there) else None,
            )
        if not here:
            return
        after = here[-1][0]


def _page(connection: sqlite3.Connection, after: bytes) -> list[Entry]:
    rows = connection.execute(
        "SELECT key, value FROM entries WHERE key > ? ORDER BY key LIMIT ?", (after.decode(), PAGE)
    )
    return [(key.encode(), value) for key, value in rows]
