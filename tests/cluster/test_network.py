"""The network cut, in silence: what cannot be known is refused in time, and all goes on by itself."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from strongroom.storage.postgresql import PostgresqlStorage
from tests.chaos.vault import done
from tests.cluster.database import Database, joined, place, prepared
from tests.cluster.firewall import Firewall, own_network
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
    """Two nodes, the way of one to the primary can be cut, and the way of the primary's standby."""

    primary: Database
    to_primary: Proxy | Firewall
    to_standby: Proxy | Firewall
    behind: Peer
    direct: Peer
    drops: bool


@pytest.fixture(scope="module", params=["held-back", "dropped"])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Cut by a proxy that holds back what it is sent, then by the kernel that drops packets."""
    with ExitStack() as stack:
        drops = request.param == "dropped"
        if drops:
            _enter_own_network(stack)
        directory = stack.enter_context(place())
        primary = prepared(directory / "first")
        primary.start(listen_addresses="127.0.0.1,127.0.0.2,127.0.0.3,127.0.0.4")
        stack.callback(primary.stop)
        for setting in ("wal_receiver_timeout", "wal_sender_timeout"):
            primary.ask(f"ALTER SYSTEM SET {setting} = '4s'")
        to_standby, way = _cuttable(stack, primary, "127.0.0.3", drops=drops)
        standby = joined(directory / "second", way, free_port())
        stack.callback(standby.stop)
        to_primary, way = _cuttable(stack, primary, "127.0.0.2", drops=drops)
        made = Cluster(tmp_path_factory.mktemp("network"), way.url)
        stack.callback(made.close)
        behind = made.add()
        made.url = primary.url
        direct = made.add()
        for peer in (behind, direct):
            stack.callback(peer.close)
        done(direct.call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}))
        yield Network(primary, to_primary, to_standby, behind, direct, drops)


def _enter_own_network(stack: ExitStack) -> None:
    try:
        stack.enter_context(own_network())
    except (PermissionError, FileNotFoundError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network whose packets can be dropped: {type(error).__name__}")


def _cuttable(
    stack: ExitStack, primary: Database, host: str, *, drops: bool
) -> tuple[Proxy | Firewall, Database]:
    """A way to the primary, and the primary as it is reached on it."""
    if drops:
        return Firewall(host), replace(primary, host=host)
    proxy = stack.enter_context(Proxy(primary.port))
    return proxy, replace(primary, port=proxy.port)


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
    count = "SELECT count(*) FROM strongroom.changes WHERE key = 'a'"
    with ExitStack() as stack:
        path, way = _cuttable(stack, database, "127.0.0.4", drops=network.drops)
        store = await PostgresqlStorage.open(way.address)
        await write(store, {"a": b"1"})
        path.cut_answers()
        writing = asyncio.create_task(write(store, {"a": b"2"}))
        while await asyncio.to_thread(database.ask, count) != [2]:
            assert not writing.done()
        path.forget()
        path.mend()
        await writing
        assert await store.begin().get("a") == b"2"
        await store.close()
    assert database.ask(count) == [2]


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
