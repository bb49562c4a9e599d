"""The standby gone: a commit waits for it, and a wait that somebody ends is never reported as success."""

import asyncio
from collections.abc import Iterator

import pytest

from strongroom.errors import Unavailable
from strongroom.storage.postgresql import PostgresqlStorage
from tests.cluster.database import Database, Pair, paired
from tests.suites.storage import write

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

_WAITING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'strongroom' AND wait_event = 'SyncRep'"
TURNS = 1200


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with paired() as made:
        yield made


async def waiting(primary: Database) -> int:
    """The server process whose commit waits for the standby."""
    for _ in range(TURNS):
        found: list[int] = await asyncio.to_thread(primary.ask, _WAITING)
        if found:
            return found[0]
        await asyncio.sleep(0.05)
    raise AssertionError("no commit waits for the standby")


async def test_a_cancelled_wait_is_a_failure_whose_outcome_is_unknown(pair: Pair) -> None:
    store = await PostgresqlStorage.open(pair.primary.address)
    other = await PostgresqlStorage.open(pair.primary.address)
    await write(store, {"a": b"1"})
    pair.standby.stop()
    writing = asyncio.create_task(write(store, {"a": b"2"}))
    process = await waiting(pair.primary)
    assert not writing.done()
    await asyncio.to_thread(pair.primary.ask, f"SELECT pg_cancel_backend({process})")
    with pytest.raises(Unavailable, match="did not confirm the change: it may have happened or not"):
        await writing
    await asyncio.to_thread(pair.standby.start)
    await write(store, {"b": b"3"})
    for node in (store, other):
        # It is on the primary, so it did happen; both nodes say so, the one that was refused too.
        assert await node.begin().get("a") == b"2"
        assert await node.begin().get("b") == b"3"
        await node.close()


async def test_a_commit_whose_session_is_ended_meanwhile_is_sent_again_and_written_once(pair: Pair) -> None:
    store = await PostgresqlStorage.open(pair.primary.address)
    await write(store, {"once": b"1"})
    changes = "SELECT count(*) FROM strongroom.changes WHERE key = 'once'"
    assert pair.primary.ask(changes) == [1]
    pair.standby.stop()
    writing = asyncio.create_task(write(store, {"once": b"2"}))
    process = await waiting(pair.primary)
    await asyncio.to_thread(pair.primary.ask, f"SELECT pg_terminate_backend({process})")
    again = process
    while again == process:
        again = await waiting(pair.primary)
    assert not writing.done()
    await asyncio.to_thread(pair.standby.start)
    await writing
    assert pair.primary.ask(changes) == [2]
    await store.close()
