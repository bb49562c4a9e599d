"""Two nodes on one database against a model: interleaved transactions read and write what one store would.

The model keeps every state there was. What a transaction reads is of a state since its begin; what it
writes lands only while that is still so; one that only read saw a single moment.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    rule,
    run_state_machine_as_test,
)

from strongroom.storage.contract import Conflict, Transaction
from strongroom.storage.postgresql import PostgresqlStorage
from tests.cluster.database import Database
from tests.suites.storage import keys, prefixes

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

State = dict[str, bytes]
few = st.sampled_from(["a", "a/b", "b"])
names = few | few | keys
starts = st.sampled_from(["", "a", "a/"]) | prefixes
nodes = st.integers(0, 1)
values = st.none() | st.binary(max_size=1)


@dataclass
class Open:
    """A transaction: since which state it runs, what it was told, what it is to write."""

    tx: Transaction
    begun: int
    reads: dict[str, bytes | None] = field(default_factory=dict)
    scans: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    writes: dict[str, bytes | None] = field(default_factory=dict)

    def seen_in(self, state: State) -> bool:
        """Whether all it was told holds in `state`."""
        return all(state.get(key) == value for key, value in self.reads.items()) and all(
            scanned(state, *asked) == found for asked, found in self.scans.items()
        )


def scanned(state: State, prefix: str, after: str) -> list[str]:
    return sorted(
        (key for key in state if key.startswith(prefix) and (not after or key > after)), key=str.encode
    )


class NodesMachine(RuleBasedStateMachine):
    """Transactions on either node; `states` are all there were, the last is the present."""

    transactions = Bundle("transactions")

    def __init__(self, database: Database, cache_bytes: tuple[int, int]) -> None:
        super().__init__()
        self._database = database
        self._cache_bytes = cache_bytes
        self._runner = asyncio.Runner()
        self._nodes: list[PostgresqlStorage] = []
        self._states: list[State] = [{}]
        self._written: list[set[str]] = [set()]

    @initialize()
    def start(self) -> None:
        self._database.ask("DROP SCHEMA IF EXISTS strongroom CASCADE")
        for size in self._cache_bytes:
            opened = self._runner.run(PostgresqlStorage.open(self._database.address, size))
            self._nodes.append(opened)

    def teardown(self) -> None:
        async def check() -> None:
            for node in self._nodes:
                tx = node.begin()
                found = await tx.scan("", limit=10_000)
                assert {key: await tx.get(key) for key in found} == self._states[-1]
                await node.close()

        with self._runner:
            self._runner.run(check())

    @rule(target=transactions, number=nodes)
    def begin(self, number: int) -> Open:
        async def made() -> Transaction:
            return self._nodes[number].begin()

        return Open(self._runner.run(made()), len(self._states) - 1)

    @rule(opened=transactions, key=names)
    def get(self, opened: Open, key: str) -> None:
        answer = self._runner.run(opened.tx.get(key))
        if key in opened.writes:
            assert answer == opened.writes[key]
        elif key in opened.reads:
            assert answer == opened.reads[key]
        else:
            opened.reads[key] = answer
            self._was(opened, lambda state: state.get(key) == answer)

    @rule(opened=transactions, prefix=starts, after=st.just("") | names)
    def scan(self, opened: Open, prefix: str, after: str) -> None:
        if opened.writes:
            return
        answer = self._runner.run(opened.tx.scan(prefix, after))
        if (prefix, after) in opened.scans:
            assert answer == opened.scans[prefix, after]
        else:
            opened.scans[prefix, after] = answer
            self._was(opened, lambda state: scanned(state, prefix, after) == answer)

    @rule(opened=transactions, key=names, value=values)
    def write(self, opened: Open, key: str, value: bytes | None) -> None:
        opened.writes[key] = value
        if value is None:
            opened.tx.delete(key)
        else:
            opened.tx.put(key, value)

    @rule(number=nodes, key=names, value=values)
    def change(self, number: int, key: str, value: bytes | None) -> None:
        opened = self.begin(number)
        self.write(opened, key, value)
        self.commit(opened)

    @rule(number=nodes, key=names, prefix=starts)
    def look(self, number: int, key: str, prefix: str) -> None:
        opened = self.begin(number)
        self.get(opened, key)
        self.scan(opened, prefix, "")
        self.commit(opened)

    @rule(number=nodes, key=names, value=values)
    def follow(self, number: int, key: str, value: bytes | None) -> None:
        """What a node remembers and another changes."""
        for change in (True, False):
            opened = self.begin(number)
            self.get(opened, key)
            self.commit(opened)
            if change:
                self.change(1 - number, key, value)

    @rule(number=nodes, key=names, prefix=starts, value=values)
    def cross(self, number: int, key: str, prefix: str, value: bytes | None) -> None:
        """What a node has read and another changes before it has heard of anything more."""
        opened = self.begin(number)
        self.scan(opened, prefix, "")
        self.change(1 - number, key, value)
        self.write(opened, "crossed", b"")
        self.commit(opened)

    @rule(opened=consumes(transactions))
    def commit(self, opened: Open) -> None:
        try:
            self._runner.run(opened.tx.commit())
        except Conflict:
            assert self._touched(opened)
            return
        if not opened.writes:
            self._was(opened, opened.seen_in)
            return
        assert opened.seen_in(self._states[-1])
        merged: dict[str, bytes | None] = {**self._states[-1], **opened.writes}
        self._states.append({key: value for key, value in merged.items() if value is not None})
        self._written.append(set(opened.writes))

    def _was(self, opened: Open, holds: Callable[[State], bool]) -> None:
        assert any(map(holds, self._states[opened.begun :]))

    def _touched(self, opened: Open) -> bool:
        """Whether anyone wrote what it read (the same value, perhaps) since it began."""
        for keys_written in self._written[opened.begun + 1 :]:
            if not keys_written.isdisjoint(opened.reads):
                return True
            if any(key.startswith(prefix) for prefix, _ in opened.scans for key in keys_written):
                return True
        return False


@pytest.mark.parametrize("cache_bytes", [(2**20, 2**20), (0, 200)])
def test_two_nodes_are_one_store(database: Database, cache_bytes: tuple[int, int]) -> None:
    class Here(NodesMachine):
        def __init__(self) -> None:
            super().__init__(database, cache_bytes)

    run_state_machine_as_test(Here, settings=settings(max_examples=12, stateful_step_count=40, deadline=None))
