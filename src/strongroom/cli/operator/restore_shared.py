"""`operator restore --storage URL`: the store of a backup, moved into an empty database and compared."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors
from strongroom.cli.errors import Failure
from strongroom.errors import Unavailable

if TYPE_CHECKING:
    from strongroom.cli.session import Session
    from strongroom.storage.postgresql.address import Address


def restore_shared(session: Session, source: Path) -> dict[str, Any]:
    """Restore into the database of `--storage`; returns the backup's header.

    Raises Failure, StrongroomError and OSError. What was cut short goes on when it is run again.
    """
    from strongroom.storage.backup import file  # noqa: PLC0415 (for this option alone)
    from strongroom.storage.postgresql.address import address  # noqa: PLC0415 (same)
    from strongroom.storage.snapshot import check_snapshot  # noqa: PLC0415 (same)

    args = session.args
    where = address(args.storage, password_file=args.password_file, tls=args.tls, tls_ca=args.tls_ca)
    with TemporaryDirectory(prefix="strongroom-restore-") as directory:
        snapshot = Path(directory) / "store.snapshot"
        header = file.extract(source, snapshot)
        check_snapshot(snapshot, header["sha256"])
        if args.revoke_all:
            revoke_all(snapshot)
        if not args.dry_run:
            _move(where, snapshot)
    return header


def _move(where: Address, snapshot: Path) -> None:
    import psycopg  # noqa: PLC0415 (same)

    from strongroom.storage.contract import StoreInUse  # noqa: PLC0415 (for this option alone)
    from strongroom.storage.migration import PostgresqlPlace, SnapshotPlace, move  # noqa: PLC0415 (same)

    try:
        target = PostgresqlPlace(where, target=True)
    except StoreInUse as error:
        raise Failure(errors.USAGE, f"{error}", "", "Stop every server of the store first.") from None
    with closing(target), closing(SnapshotPlace(snapshot)) as source:
        try:
            move(source, target)
        except psycopg.Error as error:
            raise Unavailable(f"{where.shown} failed ({error.sqlstate or 'no connection'})") from None


def revoke_all(snapshot: Path) -> None:
    """Leave the mark in a copy of the store that the next unseal obeys by revoking every token."""
    from strongroom.system.restored import MARK  # noqa: PLC0415 (for this option alone)

    try:
        with closing(sqlite3.connect(snapshot)) as connection, connection:
            connection.execute("INSERT OR REPLACE INTO entries (key, value) VALUES (?, ?)", (MARK, b"1"))
    except sqlite3.Error as error:
        raise OSError(f"{snapshot} cannot be written: {error}") from None
