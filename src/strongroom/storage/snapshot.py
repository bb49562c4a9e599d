"""Copies of a live store, and stores made from them."""

import hashlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from strongroom.errors import IntegrityFailure, InvalidRequest
from strongroom.storage import database, formats
from strongroom.storage.contract import StorageFull
from strongroom.storage.files import DirectoryLock, private_directory, sync_directory


def write_snapshot(source: Path, target: Path) -> str:
    """Write the state of `source` at this moment to `target`; return the SHA-256 of the copy in hex.

    The copy holds ciphertext only, and nothing that was deleted before. It appears
    under its name when it is whole and durable. Blocks; writers go on meanwhile.
    """
    return written_to(target, lambda partial: _copy(source, partial))


def written_to(target: Path, fill: Callable[[Path], None]) -> str:
    """Give a snapshot that `fill` writes its name when it is whole and durable; return its SHA-256 in hex."""
    if target.exists():
        raise InvalidRequest(f"{target} exists; a backup never overwrites")
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        fill(partial)
        digest = _synced_digest(partial)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    sync_directory(target.parent)
    return digest


def restore_snapshot(
    snapshot: Path, directory: Path, sha256: str, prepare: Callable[[Path], None] = lambda _: None
) -> None:
    """Make a new store in `directory` from a snapshot; it starts sealed, as every store does.

    `prepare` may change the copy before it becomes the store.

    Raises InvalidRequest when a store is there already, StoreInUse, and
    IntegrityFailure when the snapshot is not what `sha256` names, is damaged, or is of a newer format.
    """
    private_directory(directory)
    lock = DirectoryLock(directory)
    partial = directory / "restore.partial"
    try:
        target = directory / database.NAME
        if target.exists():
            raise InvalidRequest(f"{directory} already holds a store; restore into an empty directory")
        check_snapshot(snapshot, sha256)
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _copy(snapshot, partial)
        prepare(partial)
        _synced_digest(partial)
        partial.rename(target)
        sync_directory(directory)
    finally:
        partial.unlink(missing_ok=True)
        lock.release()


def _copy(source: Path, target: Path) -> None:
    connection = sqlite3.connect(source, isolation_level=None)
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise StorageFull(f"there is no room for {target}") from error
        raise IntegrityFailure(f"{source} cannot be copied: {error}") from error
    finally:
        connection.close()


def check_snapshot(snapshot: Path, sha256: str) -> None:
    """Raise IntegrityFailure unless it is what `sha256` names, whole and of a format that is read here."""
    if _synced_digest(snapshot) != sha256:
        raise IntegrityFailure(f"{snapshot} does not have the checksum given")
    connection = sqlite3.connect(
        f"{snapshot.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None
    )
    try:
        damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if (damage, application) == ("ok", database.APPLICATION_ID):
            formats.readable(connection, snapshot)
    except sqlite3.DatabaseError as error:
        raise IntegrityFailure(f"{snapshot} is not a readable snapshot: {error}") from error
    finally:
        connection.close()
    if damage != "ok" or application != database.APPLICATION_ID:
        raise IntegrityFailure(f"{snapshot} is damaged or not a snapshot of a store")


def _synced_digest(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()
