"""Two nodes on one database, and what goes wrong between a node and its database."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from strongroom.errors import IntegrityFailure, InvalidRequest, Unavailable
from strongroom.storage.contract import Conflict, StoreInUse
from strongroom.storage.postgresql import PostgresqlStorage, schema
from strongroom.storage.postgresql.address import address
from strongroom.storage.postgresql.connecting import open_connection
from tests.cluster.database import Database
from tests.suites.storage import put_keys, write

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]


@pytest.fixture
async def other(database: Database, store: PostgresqlStorage) -> AsyncIterator[PostgresqlStorage]:
    opened = await PostgresqlStorage.open(database.address)
    yield opened
    await opened.close()


async def test_a_node_reads_what_another_has_written(
    store: PostgresqlStorage, other: PostgresqlStorage
) -> None:
    for turn in range(300):
        here, there = (store, other) if turn % 2 else (other, store)
        await write(here, {"a": str(turn).encode(), f"k/{turn % 5}": None if turn % 3 else b""})
        assert await there.begin().get("a") == str(turn).encode()
        assert (f"k/{turn % 5}" in await there.begin().scan("k/")) == (turn % 3 == 0)


async def test_a_read_that_another_node_changed_conflicts(
    store: PostgresqlStorage, other: PostgresqlStorage
) -> None:
    await put_keys(store, ["a", "p/a"])
    by_key, by_range, neither = store.begin(), store.begin(), store.begin()
    await by_key.get("a")
    await by_range.scan("p/")
    await neither.get("elsewhere")
    await neither.scan("q/")
    for number, tx in enumerate((by_key, by_range, neither)):
        tx.put(f"written/{number}", b"")
    await write(other, {"a": b"new", "p/b": b"new"})
    outcomes = await asyncio.gather(
        *(tx.commit() for tx in (by_key, by_range, neither)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Conflict, Conflict, type(None)]
    assert await other.begin().scan("written/") == ["written/2"]


async def test_counting_on_two_nodes_loses_nothing(
    store: PostgresqlStorage, other: PostgresqlStorage
) -> None:
    async def increment(node: PostgresqlStorage) -> None:
        while True:
            tx = node.begin()
            count = int(await tx.get("count") or b"0")
            tx.put("count", str(count + 1).encode())
            try:
                return await tx.commit()
            except Conflict:
                continue

    await asyncio.gather(*(increment(node) for node in (store, other) for _ in range(25)))
    assert await store.begin().get("count") == b"50"


async def test_a_watcher_hears_of_other_nodes_only(
    store: PostgresqlStorage, other: PostgresqlStorage
) -> None:
    heard: list[str] = []
    store.watch(lambda keys: heard.extend(keys or ["everything"]))
    await write(store, {"own": b""})
    await write(other, {"foreign": b""})
    await store.fresh()
    assert heard == ["foreign"]


async def test_a_lost_connection_costs_no_write(
    store: PostgresqlStorage, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)

    async def write_all(number: int) -> None:
        for turn in range(40):
            await write(store, {f"w/{number}/{turn}": b"x"})

    async def cut() -> None:
        for _ in range(6):
            await asyncio.sleep(0.1)
            await asyncio.to_thread(
                database.ask,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'strongroom' AND datname = current_database()",
            )

    await asyncio.gather(*(write_all(number) for number in range(8)), cut())
    assert len(await store.begin().scan("w/")) == 320


async def test_a_group_sent_again_is_written_once(store: PostgresqlStorage, database: Database) -> None:
    await write(store, {"a": b"1"})
    before = database.ask("SELECT max(seq) FROM strongroom.changes")
    again = (
        "SELECT count(*) FROM strongroom.commits c, LATERAL strongroom.commit_group(c.writer, c.number, c.seq, "
        "'{}', '{}', '{}', '{}', '{}', '{0}', ARRAY['a'::bytea], ARRAY['2'::bytea])"
    )
    assert database.ask(again) == [1]
    assert database.ask("SELECT max(seq) FROM strongroom.changes") == before
    assert database.ask("SELECT value FROM strongroom.entries WHERE key = 'a'") == [b"1"]


async def test_without_the_database_nothing_is_answered(database: Database) -> None:
    node = await PostgresqlStorage.open(database.address)
    await write(node, {"a": b"1"})
    assert await node.begin().get("a") == b"1"
    node._reach._conninfo = address("postgresql://nobody@127.0.0.1:1/none").conninfo
    node._reach.lose()
    assert not node.reachable
    with pytest.raises(Unavailable):
        await node.begin().get("a")
    await node.close()


async def test_a_store_being_moved_is_refused(database: Database) -> None:
    first = await PostgresqlStorage.open(database.address)
    await first.close()
    mover = open_connection(database.address.conninfo)
    assert schema.hold(mover, alone=True)
    with pytest.raises(StoreInUse):
        await PostgresqlStorage.open(database.address)
    mover.finish()
    second = await PostgresqlStorage.open(database.address)
    mover = open_connection(database.address.conninfo)
    assert not schema.hold(mover, alone=True)
    mover.finish()
    await second.close()


async def test_a_newer_format_and_a_foreign_schema_are_refused(database: Database, server: Database) -> None:
    first = await PostgresqlStorage.open(database.address)
    await first.close()
    database.ask("UPDATE strongroom.store SET version = 2")
    with pytest.raises(IntegrityFailure, match="format 2 and this release reads up to 1"):
        await PostgresqlStorage.open(database.address)
    foreign = server.created("foreign_schema")
    foreign.ask("CREATE SCHEMA strongroom")
    with pytest.raises(IntegrityFailure, match="not a store"):
        await PostgresqlStorage.open(foreign.address)


async def test_a_path_too_long_for_the_index_is_refused(store: PostgresqlStorage) -> None:
    with pytest.raises(InvalidRequest, match="too long"):
        store.begin().put("k" * 2601, b"")
    await write(store, {"k" * 2600: b"longest"})
    assert await store.begin().get("k" * 2600) == b"longest"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://x/y", "named by a URL"),
        ("postgresql://u:hunter2@h/d", "holds a password"),
        ("postgresql://u@h/d?password=hunter2", "holds a password"),
        ("postgresql://u@h/d?sslkey=k&sslpassword=hunter2", "holds a credential"),
        ("postgresql://u@h/d?oauth_client_secret=hunter2", "holds a credential"),
        ("postgresql://u@h/d?scram_client_key=hunter2", "holds a credential"),
        ("postgresql://u@h/d?nonsense=1", "cannot be read"),
        ("postgresql://u@h/d?sslmode=prefer", "one of disable"),
        ("postgresql://u@h/d?connect_timeout=hunter2", "connect_timeout"),
        ("postgresql://u@h/d?connect_timeout=0", "connect_timeout"),
        ("postgresql:///d?host=a,b,c&port=1,2", "for each host"),
        ("postgresql:///d?host=a,b&hostaddr=127.0.0.1,127.0.0.2,127.0.0.3", "for each host"),
    ],
)
def test_addresses_that_cannot_be_used(url: str, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem) as refused:
        address(url, environment={})
    assert "hunter2" not in str(refused.value)


def test_off_loopback_the_servers_certificate_is_checked() -> None:
    near = address("postgresql://u@127.0.0.1,localhost/d", environment={})
    far = address("postgresql://u@127.0.0.1,db.example/d", environment={})
    open_ = address("postgresql://u@db.example/d", tls="require", environment={})
    assert "sslmode=disable" in near.conninfo.reveal()
    assert not near.weak
    assert "sslmode=verify-full" in far.conninfo.reveal()
    assert not far.weak
    assert open_.weak
