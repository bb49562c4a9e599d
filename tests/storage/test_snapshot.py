"""Backups of a live store, and restores from them."""

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.errors import IntegrityFailure, InvalidRequest
from strongroom.storage import database
from strongroom.storage.snapshot import restore_snapshot
from strongroom.storage.sqlite import SqliteStorage
from tests.suites.storage import put_keys, write


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStorage]:
    opened = SqliteStorage(tmp_path / "store")
    yield opened
    await opened.close()


async def test_a_backup_under_writes_restores_to_one_moment(store: SqliteStorage, tmp_path: Path) -> None:
    async def move(rounds: int) -> None:
        for number in range(rounds):
            await write(store, {f"at/{number}": b"", f"at/{number - 1}": None})

    mover = asyncio.create_task(move(200))
    await write(store, {"kept": b"1"})
    digest = await store.backup(tmp_path / "copy")
    await mover
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    await asyncio.to_thread(restore_snapshot, tmp_path / "copy", tmp_path / "restored", digest)
    restored = SqliteStorage(tmp_path / "restored")
    tx = restored.begin()
    assert await tx.get("kept") == b"1"
    assert len(await tx.scan("at/")) <= 1
    await restored.close()


async def test_a_damaged_store_makes_no_backup(tmp_path: Path) -> None:
    store = SqliteStorage(tmp_path / "store", cache_bytes=0)
    await put_keys(store, [f"key/{number:05}" for number in range(2000)])
    await store.close()
    with (tmp_path / "store" / database.NAME).open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096 * 8)
    store = SqliteStorage(tmp_path / "store")
    with pytest.raises(IntegrityFailure, match="cannot be copied"):
        await store.backup(tmp_path / "copy")
    assert names_in(tmp_path) == ["store"]
    await store.close()


async def test_a_backup_never_overwrites(store: SqliteStorage, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("precious")
    with pytest.raises(InvalidRequest):
        await store.backup(tmp_path / "copy")


async def test_a_changed_backup_or_an_occupied_directory_is_refused(
    store: SqliteStorage, tmp_path: Path
) -> None:
    digest = await store.backup(tmp_path / "copy")
    other = SqliteStorage(tmp_path / "occupied")
    await other.close()
    with pytest.raises(InvalidRequest, match="already holds"):
        restore_snapshot(tmp_path / "copy", tmp_path / "occupied", digest)
    with (tmp_path / "copy").open("ab") as file:
        file.write(b"x")
    with pytest.raises(IntegrityFailure, match="checksum"):
        restore_snapshot(tmp_path / "copy", tmp_path / "fresh", digest)


async def test_what_a_restore_adds_is_in_the_store_before_it_is_one(
    store: SqliteStorage, tmp_path: Path
) -> None:
    """A process that is killed in between leaves no store that lacks it."""
    digest = await store.backup(tmp_path / "copy")

    def killed(partial: Path) -> None:
        assert partial.is_file()
        assert not (tmp_path / "new" / database.NAME).exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_snapshot(tmp_path / "copy", tmp_path / "new", digest, killed)
    assert not (tmp_path / "new" / database.NAME).exists()


async def test_a_restore_of_something_else_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    text = tmp_path / "text"
    text.write_bytes(b"no database at all, only words" * 40)
    for path in (other, text):
        with pytest.raises(IntegrityFailure):
            restore_snapshot(path, tmp_path / "fresh", database_digest(path))


def database_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())
