"""The network cut, in silence: what cannot be known is refused in time, and all goes on by itself."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from strongroom.storage.postgresql import PostgresqlStorage
from tests.chaos.vault import done
from tests.cluster.database import Database, joined, place, prepared
from tests.cluster.nodes import Cluster
from tests.cluster.patroni import until
from tests.cluster.proxy import Proxy
from tests.contract.peers import Answer, Peer, free_port
from tests.suites.storage import write

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

READ_SECONDS, WRITE_SECONDS = 15.0, 40.0
"""Within which a read and a write are refused: 5 and 15 s of patience, and what a busy machine may add."""
UNREACHABLE = "the store cannot be reached"
UNKNOWN = "the store did not confirm the change: it may have happened or not"


@dataclass
class Network:
    """Two nodes, one of them behind a proxy, over a primary whose standby is behind another."""

    primary: Database
    to_primary: Proxy
    to_standby: Proxy
    behind: Peer
    direct: Peer


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with ExitStack() as stack:
        directory = stack.enter_context(place())
        primary = prepared(directory / "first")
        primary.start()
        stack.callback(primary.stop)
        for setting in ("wal_receiver_timeout", "wal_sender_timeout"):
            primary.ask(f"ALTER SYSTEM SET {setting} = '4s'")
        to_standby = stack.enter_context(Proxy(primary.port))
        standby = joined(directory / "second", primary, free_port(), to_standby.port)
        stack.callback(standby.stop)
        to_primary = stack.enter_context(Proxy(primary.port))
        made = Cluster(tmp_path_factory.mktemp("network"), replace(primary, port=to_primary.port).url)
        stack.callback(made.close)
        behind = made.add()
        made.url = primary.url
        direct = made.add()
        for peer in (behind, direct):
            stack.callback(peer.close)
        done(direct.call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}))
        yield Network(primary, to_primary, to_standby, behind, direct)


def put(peer: Peer, value: int) -> Answer:
    return peer.call("POST", "secret/data/a", {"data": {"v": value}})


def get(peer: Peer) -> Answer:
    return peer.call("GET", "secret/data/a")


def value(answer: Answer) -> int:
    return int(done(answer).body["data"]["data"]["v"])


def refused(answer: Answer, *texts: str) -> None:
    assert answer.status == 503, answer
    assert answer.body["errors"][0] in texts


def served(peer: Peer) -> int:
    """What it reads once it reads again."""

    def found() -> int | None:
        answer = get(peer)
        return value(answer) if answer.status == 200 else None

    return until(found, "the node did not come back by itself", 60)


def test_a_node_cut_off_refuses_and_comes_back_with_what_was_written_meanwhile(network: Network) -> None:
    done(put(network.direct, 1))
    assert value(get(network.behind)) == 1
    network.to_primary.cut()
    began = time.monotonic()
    refused(get(network.behind), UNREACHABLE)
    assert time.monotonic() - began < READ_SECONDS
    done(put(network.direct, 2))
    assert network.behind.call("GET", "sys/health").status == 503
    refused(put(network.behind, 9), UNREACHABLE, UNKNOWN)
    assert time.monotonic() - began < READ_SECONDS + WRITE_SECONDS
    network.to_primary.mend()
    assert served(network.behind) == 2
    done(put(network.behind, 3))
    assert value(get(network.direct)) == 3


def test_connections_that_lead_nowhere_are_noticed_without_a_request(network: Network) -> None:
    done(put(network.behind, 4))
    network.to_primary.forget()
    began = time.monotonic()
    done(put(network.direct, 5))
    # The node asks for news each second; when no answer comes it connects anew.
    assert served(network.behind) == 5
    assert time.monotonic() - began < READ_SECONDS * 2


async def test_a_write_whose_confirmation_is_lost_is_written_once(network: Network) -> None:
    database = replace(network.primary, name="postgres").created("confirmation")
    with Proxy(network.primary.port) as proxy:
        store = await PostgresqlStorage.open(replace(database, port=proxy.port).address)
        await write(store, {"a": b"1"})
        proxy.cut()
        writing = asyncio.create_task(write(store, {"a": b"2"}))
        await asyncio.sleep(0.1)
        proxy.forget()
        proxy.mend()
        await writing
        assert await store.begin().get("a") == b"2"
        await store.close()
    assert database.ask("SELECT count(*) FROM strongroom.changes WHERE key = 'a'") == [2]


def test_without_the_standby_reads_go_on_and_writes_are_refused_and_come_back(network: Network) -> None:
    done(put(network.direct, 6))
    network.to_standby.cut()
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(put, network.direct, 7)
        reads = 0
        while not writing.done():
            assert value(get(network.behind)) == 6  # not confirmed, so nobody is told of it
            reads += 1
        refused(writing.result(), UNKNOWN)
    assert time.monotonic() - began < WRITE_SECONDS
    assert reads
    network.to_standby.mend()

    def written() -> bool | None:
        return put(network.behind, 8).status == 200 or None

    until(written, "writes did not come back by themselves", 60)
    for peer in (network.behind, network.direct):
        assert value(get(peer)) == 8
