"""A snapshot of the store in PostgreSQL: every entry as of one moment, in a file of SQLite's."""

import sqlite3
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from strongroom.errors import IntegrityFailure, Unavailable
from strongroom.sensitive import Sensitive
from strongroom.storage import database
from strongroom.storage.contract import StorageFull
from strongroom.storage.postgresql import schema
from strongroom.storage.snapshot import written_to

_ROWS = 500
_FOUND = "SELECT version, (SELECT COALESCE(max(seq), 0) FROM strongroom.changes) FROM strongroom.store"
_COPY = "COPY (SELECT key, value FROM strongroom.entries ORDER BY key) TO STDOUT (FORMAT BINARY)"


def write_snapshot(conninfo: Sensitive[str], known: int, target: Path) -> str:
    """Write the store at one moment, at which change `known` has happened; return the file's SHA-256.

    Writers go on meanwhile. Blocks. Raises InvalidRequest when `target` exists, StorageFull, Unavailable,
    IntegrityFailure.
    """
    try:
        with psycopg.connect(conninfo.reveal()) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute("SET LOCAL statement_timeout = 0")
            return written_to(target, lambda partial: _fill(connection, known, partial))
    except psycopg.Error as error:
        raise Unavailable(f"the store could not be copied ({error.sqlstate or 'no connection'})") from None


def last_written(conninfo: Sensitive[str]) -> str:
    """When the latest group of commits was written, in UTC; empty when there is none. Blocks."""
    latest = (
        "SELECT to_char(max(at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM strongroom.commits"
    )
    try:
        with psycopg.connect(conninfo.reveal(), autocommit=True) as connection:
            found = connection.execute(latest).fetchone()
    except psycopg.Error as error:
        raise Unavailable(f"the store could not be asked ({error.sqlstate or 'no connection'})") from None
    return str(found[0]) if found and found[0] else ""


def _fill(connection: psycopg.Connection[Any], known: int, partial: Path) -> None:
    version, head = connection.execute(_FOUND).fetchone() or (0, 0)
    if version != schema.FORMAT:
        raise IntegrityFailure("the database holds no whole store of this release")
    if head < known:
        raise Unavailable("the database is behind what this node has seen: it is another, or an earlier one")
    copy = database.connect_writer(partial)
    try:
        copy.execute("PRAGMA journal_mode = DELETE")
        with connection.cursor() as cursor, cursor.copy(_COPY) as rows:
            rows.set_types(["bytea", "bytea"])
            _insert(copy, rows.rows())
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise StorageFull(f"there is no room for {partial}") from error
        raise IntegrityFailure(f"{partial} cannot be written: {error}") from error
    finally:
        copy.close()


def _insert(copy: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    pending = iter(rows)
    copy.execute("BEGIN IMMEDIATE")
    while some := [(bytes(key).decode(), bytes(value)) for key, value in islice(pending, _ROWS)]:
        copy.executemany("INSERT INTO entries (key, value) VALUES (?, ?)", some)
    copy.execute("COMMIT")
