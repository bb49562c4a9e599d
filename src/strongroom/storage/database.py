"""The SQLite file behind the store: its settings, and what its errors mean. Its layout: `formats`."""

import os
import sqlite3
from pathlib import Path
from typing import NoReturn

from strongroom.errors import IntegrityFailure
from strongroom.storage import formats
from strongroom.storage.contract import StorageFull

NAME = "store.db"
# "strg": lets `file` and a careful operator tell the store from any other database.
APPLICATION_ID = 0x73747267
NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
_BUSY_SECONDS = 10.0
_CACHE_KIB = 8192
_WAL_LIMIT_BYTES = 64 * 2**20
_EXIT_IO_ERROR = 74

_SCHEMA = f"""
BEGIN IMMEDIATE;
{formats.LAYOUT}
PRAGMA application_id = {APPLICATION_ID};
COMMIT;
"""


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the one connection that writes; a new file is laid out first, one of an earlier format upgraded.

    Raises IntegrityFailure when the file is not a store, or one of a newer format; StorageFull.
    """
    connection = _connect(path)
    try:
        # FULL syncs the log at each commit: NORMAL would lose acknowledged commits at a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        # Freed pages are zeroed, so what was destroyed does not linger in the file.
        connection.execute("PRAGMA secure_delete = ON")
        # Checkpoints are asked for by the writer: SQLite's own would swallow a failing fsync.
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
        _check_format(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.DatabaseError as error:
        connection.close()
        if error.sqlite_errorcode in NO_ROOM:
            raise StorageFull(f"there is no room to open {path}") from error
        raise IntegrityFailure(f"{path} is not a readable store: {error}") from error
    except IntegrityFailure:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that cannot write."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application == 0 and tables == 0:
        connection.executescript(_SCHEMA)
        return
    if application != APPLICATION_ID:
        raise IntegrityFailure(f"{path} is a database, but not a strongroom store")
    formats.upgrade(connection, path)


def full_or_end(error: sqlite3.Error) -> StorageFull:
    """Turn a failed write into StorageFull when the disk has no room; otherwise end the process.

    After a failed fsync the kernel may have dropped the pages and will report
    success the next time, so there is nothing left to retry with.
    """
    code = getattr(error, "sqlite_errorcode", 0)
    if code not in NO_ROOM:
        end_process(getattr(error, "sqlite_errorname", type(error).__name__))
    return StorageFull("the disk that holds the store is full")


def end_process(reason: str) -> NoReturn:
    """Leave at once: no clean-up may run on a store in doubt."""
    os.write(2, f"strongroom: the store cannot be written ({reason}); ending the process\n".encode())
    os._exit(_EXIT_IO_ERROR)
