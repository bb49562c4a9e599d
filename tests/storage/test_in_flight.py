"""SQLite: what readers and writers see of writes that are not on disk yet."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.storage.contract import Rereadable
from strongroom.storage.sqlite import SqliteStorage
from tests.suites.storage import put_keys, write


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStorage]:
    opened = SqliteStorage(tmp_path / "store")
    yield opened
    await opened.close()


@pytest.mark.parametrize("scan", [False, True])
async def test_a_reader_of_writes_in_flight_waits_until_they_are_durable(
    store: SqliteStorage, scan: bool
) -> None:
    task = asyncio.create_task(put_keys(store, ["a"]))
    await asyncio.sleep(0)
    dirty, clean = store.begin(), store.begin()
    assert await (dirty.scan("") if scan else dirty.get("a"))
    await clean.get("elsewhere")
    await clean.commit()
    assert store.unsettled
    await dirty.commit()
    assert not store.unsettled
    await task


async def test_what_was_read_is_unchanged_while_it_is_the_same_and_durable(store: SqliteStorage) -> None:
    await write(store, {"a/1": b"1", "b": b"1"})
    tx = store.begin()
    await tx.get("a/1")
    await tx.scan("a/")
    assert isinstance(tx, Rereadable)
    assert tx.unchanged()
    await write(store, {"b": b"2"})
    assert tx.unchanged()
    again = asyncio.ensure_future(write(store, {"a/1": b"1"}))
    await asyncio.sleep(0)
    assert not tx.unchanged(), "the same value, not durable yet"
    await again
    assert tx.unchanged()
    await write(store, {"a/2": b"1"})
    assert not tx.unchanged()
    await write(store, {"a/2": None})
    assert tx.unchanged()
    await write(store, {"a/1": b"2"})
    assert not tx.unchanged()


async def test_commits_that_wait_together_leave_in_several_groups(store: SqliteStorage) -> None:
    """Each is told when its own group is durable, in the order in which they came."""
    told: list[int] = []
    left: list[int] = []

    async def one(number: int) -> None:
        await write(store, {f"k{number}": b"%d" % number})
        told.append(number)
        left.append(len(store.unsettled))

    await asyncio.gather(*(one(number) for number in range(40)))
    assert told == list(range(40))
    assert left == sorted(left, reverse=True)
    assert (left[0], left[-1], len(set(left))) == (30, 0, 5), "a quarter, then eight at a time"


async def test_a_key_written_again_while_in_flight_keeps_its_newest_value(store: SqliteStorage) -> None:
    first = asyncio.create_task(write(store, {"a": b"1"}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.create_task(write(store, {"a": b"2"}))
    third = asyncio.create_task(write(store, {"b": None}))
    await first
    assert await store.begin().get("a") == b"2"
    await asyncio.gather(second, third)
    assert await store.begin().get("a") == b"2"
    assert not store.unsettled


async def test_a_reader_waits_for_the_group_being_written(store: SqliteStorage) -> None:
    task = asyncio.create_task(put_keys(store, ["a"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    dirty = store.begin()
    assert await dirty.get("a")
    await dirty.commit()
    assert not store.unsettled
    await task


async def test_scans_merge_writes_in_flight(store: SqliteStorage) -> None:
    await put_keys(store, ["a", "b", "c", "d"])
    task = asyncio.create_task(write(store, {"b": None, "bb": b"", "c": b"again"}))
    await asyncio.sleep(0)
    assert await store.begin().scan("", limit=3) == ["a", "bb", "c"]
    await task
