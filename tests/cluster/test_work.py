"""Work that every node could do is done by one: leases that end, mounts that are attended to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.clock import FakeClock
from strongroom.core import leases
from strongroom.core.expiry import CLAIM_SECONDS, Expiry
from strongroom.core.leases import LeaseEntry
from strongroom.core.tokens import Tokens
from strongroom.core.turns import TURN_SECONDS, Turns
from strongroom.storage.contract import Conflict
from strongroom.storage.postgresql import PostgresqlStorage
from tests.cluster.database import Database

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

ROOT_KEY = bytes(range(32))
COUNT = 60


class Dead(BaseException):
    """The node is gone."""


class Node:
    """A sweeper on its own connection; `done` counts what it revoked outside."""

    def __init__(self, storage: PostgresqlStorage, clock: FakeClock, done: "Counter[str]") -> None:
        self.storage = storage
        self.barrier = Barrier(storage, clock)
        self.turns = Turns(clock)
        self.dies = False
        self._done = done
        self.expiry = Expiry(
            clock, self.barrier.begin, Tokens(clock, self.barrier.begin), self._revoke, alone=False
        )

    async def _revoke(self, _: BarrierTransaction, entry: LeaseEntry) -> None:
        if self.dies:
            raise Dead
        self._done[entry.id] += 1
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def done() -> "Counter[str]":
    return Counter()


@pytest.fixture
async def nodes(
    server: Database, clock: FakeClock, done: "Counter[str]", request: pytest.FixtureRequest
) -> AsyncIterator[list[Node]]:
    database = server.created(f"work_{abs(hash(request.node.name)) % 10**9}")
    made = [Node(await PostgresqlStorage.open(database.address), clock, done) for _ in range(3)]
    await made[0].barrier.initialize(ROOT_KEY)
    for node in made:
        await node.barrier.unseal(ROOT_KEY)
    yield made
    for node in made:
        await node.storage.close()


async def issue(node: Node, clock: FakeClock) -> None:
    """Record secrets that are due now."""
    tx = node.barrier.begin()
    for number in range(COUNT):
        entry = LeaseEntry(
            id=f"db/creds/{number}",
            path="db/creds/app",
            mount="db",
            token="token",
            issued=clock.now(),
            expires=clock.now(),
            due=clock.now(),
            ttl=1,
        )
        leases.save(leases.view(tx), entry)
    await tx.commit()


async def left(node: Node) -> int:
    return len(await leases.below(leases.view(node.barrier.begin()), ""))


async def test_every_lease_is_ended_by_one_node(
    nodes: list[Node], clock: FakeClock, done: "Counter[str]"
) -> None:
    await issue(nodes[0], clock)
    while await left(nodes[0]):
        await asyncio.gather(*(node.expiry.sweep() for node in nodes))
    assert len(done) == COUNT
    assert set(done.values()) == {1}


async def test_what_a_dead_node_was_ending_is_ended_by_another(
    nodes: list[Node], clock: FakeClock, done: "Counter[str]"
) -> None:
    first, second, _ = nodes
    await issue(first, clock)
    first.dies = True
    with pytest.raises(Dead):
        await first.expiry.end("db/creds/0")
    await second.expiry.sweep()
    assert await left(second) == 1
    clock.advance(CLAIM_SECONDS + 1)
    await second.expiry.sweep()
    assert await left(second) == 0
    assert set(done.values()) == {1}


async def test_a_turn_is_one_nodes_until_it_runs_out(nodes: list[Node], clock: FakeClock) -> None:
    async def takes(node: Node) -> bool:
        tx = node.barrier.begin()
        mine = await node.turns.take(tx, "mount")
        try:
            await tx.commit()
        except Conflict:
            return False
        return mine

    assert sum(await asyncio.gather(*map(takes, nodes))) == 1
    (holder,) = [node for node in nodes if await takes(node)]
    other = next(node for node in nodes if node is not holder)
    late = holder.barrier.begin()
    await holder.turns.keep(late, "mount")
    late.put("work", b"")
    clock.advance(TURN_SECONDS + 1)
    assert await takes(other)
    with pytest.raises(Conflict):
        await late.commit()
    with pytest.raises(Conflict):
        await holder.turns.keep(holder.barrier.begin(), "mount")
