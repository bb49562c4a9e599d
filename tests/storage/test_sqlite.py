"""SQLite: the shared suite and the model, and what only a file can get wrong."""

import asyncio
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.errors import IntegrityFailure
from strongroom.storage import database
from strongroom.storage.contract import Conflict, Storage, StorageFull, StoreInUse
from strongroom.storage.sqlite import SqliteStorage
from tests.suites.storage import StorageSuite, put_keys, write
from tests.suites.storage_model import MACHINE_SETTINGS, StorageMachine


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStorage]:
    opened = SqliteStorage(tmp_path / "store")
    yield opened
    await opened.close()


class TestSqlite(StorageSuite):
    @pytest.fixture
    def storage(self, store: SqliteStorage) -> Storage:
        return store


class TestSqliteWithoutCache(StorageSuite):
    """Every read goes to the file or to the writes in flight."""

    @pytest.fixture
    async def storage(self, tmp_path: Path) -> AsyncIterator[Storage]:
        opened = SqliteStorage(tmp_path / "store", cache_bytes=0)
        yield opened
        await opened.close()


class SqliteMachine(StorageMachine):
    def make(self) -> Storage:
        self.directory = tempfile.TemporaryDirectory()
        return SqliteStorage(Path(self.directory.name), cache_bytes=4096)

    def teardown(self) -> None:
        super().teardown()
        self.directory.cleanup()


TestSqliteModel = SqliteMachine.TestCase
TestSqliteModel.settings = MACHINE_SETTINGS


async def test_a_transaction_knows_whether_it_would_write(store: SqliteStorage) -> None:
    tx = store.begin()
    await tx.get("a")
    assert not tx.dirty
    tx.delete("a")
    assert tx.dirty


async def test_reopening_finds_everything(tmp_path: Path) -> None:
    first = SqliteStorage(tmp_path)
    await write(first, {"a": b"1", "b": b"2"})
    await first.close()
    await first.close()
    second = SqliteStorage(tmp_path)
    assert await second.begin().get("a") == b"1"
    await second.close()


async def test_a_closed_store_takes_no_writes(tmp_path: Path) -> None:
    store = SqliteStorage(tmp_path)
    await store.close()
    with pytest.raises(RuntimeError, match="closed"):
        await put_keys(store, ["a"])


async def test_closing_finishes_what_was_handed_over(tmp_path: Path) -> None:
    store = SqliteStorage(tmp_path)
    tasks = [asyncio.create_task(put_keys(store, [f"k{number}"])) for number in range(20)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*tasks)
    again = SqliteStorage(tmp_path)
    assert len(await again.begin().scan("k")) == 20
    await again.close()


async def test_a_second_holder_is_refused_and_told_who_has_it(store: SqliteStorage, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from strongroom.storage.sqlite import SqliteStorage\n"
        "from strongroom.storage.contract import StoreInUse\n"
        "try: SqliteStorage(Path(sys.argv[1]))\n"
        "except StoreInUse as error: print(error)\n"
    )
    result = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", code, str(tmp_path / "store")],
        capture_output=True,
        text=True,
        check=True,
    )
    holder = (tmp_path / "store" / "store.lock").read_text().strip()
    assert result.stdout.strip().endswith(f"is held by process {holder}")
    with pytest.raises(StoreInUse):
        SqliteStorage(tmp_path / "store")


async def test_files_are_private(store: SqliteStorage, tmp_path: Path) -> None:
    await put_keys(store, ["a"])
    directory = tmp_path / "store"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()} == {
        "store.db": 0o600,
        "store.db-wal": 0o600,
        "store.db-shm": 0o600,
        "store.lock": 0o600,
    }


async def test_a_directory_others_could_read_is_tightened(tmp_path: Path) -> None:
    directory = tmp_path / "open"
    directory.mkdir(mode=0o755)
    store = SqliteStorage(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    await store.close()


async def test_commits_are_synced_in_full(store: SqliteStorage) -> None:
    connection = store._writer._connection
    settings = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("synchronous", "journal_mode", "secure_delete", "wal_autocheckpoint")
    }
    assert settings == {"synchronous": 2, "journal_mode": "wal", "secure_delete": 1, "wal_autocheckpoint": 0}


async def test_a_foreign_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / database.NAME) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    for _ in range(2):  # The lock is free again after each refusal.
        with pytest.raises(IntegrityFailure, match="not a strongroom store"):
            SqliteStorage(tmp_path)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / database.NAME).write_bytes(b"not a database, and long enough to be looked at" * 10)
    with pytest.raises(IntegrityFailure, match="not a readable store"):
        SqliteStorage(tmp_path)


async def test_pages_that_were_overwritten_are_reported_as_damage(tmp_path: Path) -> None:
    store = SqliteStorage(tmp_path, cache_bytes=0)
    await put_keys(store, [f"key/{number:05}" for number in range(2000)])
    await store.close()
    path = tmp_path / database.NAME
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * (size - 3 * 4096))
    store = SqliteStorage(tmp_path, cache_bytes=0)
    with pytest.raises(IntegrityFailure):
        await store.begin().get("key/01000")
    with pytest.raises(IntegrityFailure):
        await store.begin().scan("")
    await store.close()


def limit_pages(store: SqliteStorage, extra: int | None) -> None:
    """Make SQLite believe the disk has room for `extra` more pages only; None lifts that."""
    connection = store._writer._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {2**30 if extra is None else pages + extra}")


async def test_a_full_disk_fails_what_is_in_flight_and_heals(store: SqliteStorage) -> None:
    await write(store, {"a": b"old"})
    limit_pages(store, 1)
    first = asyncio.create_task(write(store, {"a": b"new", "big": b"x" * 100_000}))
    await asyncio.sleep(0)
    dirty = store.begin()
    assert await dirty.get("a") == b"new"
    second = asyncio.create_task(write(store, {"small": b"x"}))
    third = asyncio.create_task(dirty.commit())
    outcomes = await asyncio.gather(first, second, third, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StorageFull, StorageFull, StorageFull]
    tx = store.begin()
    assert (await tx.get("a"), await tx.get("small"), await tx.scan("")) == (b"old", None, ["a"])
    limit_pages(store, None)
    await write(store, {"a": b"newer"})
    assert await store.begin().get("a") == b"newer"


async def test_what_was_read_from_a_failed_write_conflicts_afterwards(store: SqliteStorage) -> None:
    limit_pages(store, 1)
    task = asyncio.create_task(write(store, {"a": b"x" * 100_000}))
    await asyncio.sleep(0)
    dirty = store.begin()
    assert await dirty.get("a") is not None
    with pytest.raises(StorageFull):
        await task
    with pytest.raises(Conflict):
        await dirty.commit()


async def test_the_log_is_folded_into_the_file_while_running(store: SqliteStorage, tmp_path: Path) -> None:
    for number in range(9):
        await write(store, {f"k{number}": bytes(2**22)})
    await write(store, {"last": b""})
    assert (tmp_path / "store" / "store.db").stat().st_size > 32 * 2**20


async def test_destroyed_bytes_leave_the_file(tmp_path: Path) -> None:
    store = SqliteStorage(tmp_path)
    await write(store, {"a": b"CANARY" * 100})
    await write(store, {"a": None})
    await store.close()
    assert b"CANARY" not in (tmp_path / database.NAME).read_bytes()
