"""A state machine that compares any backend with a dict, over interleaved transactions."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from strongroom.storage.contract import Conflict, Storage, Transaction
from tests.suites.storage import keys, prefixes

MACHINE_SETTINGS = settings(max_examples=40, stateful_step_count=30, deadline=None)


@dataclass
class Open:
    """A transaction and what it should know: its reads with answers, and its writes."""

    tx: Transaction
    reads: dict[str, bytes | None] = field(default_factory=dict)
    scans: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    writes: dict[str, bytes | None] = field(default_factory=dict)
    ended: bool = False


class StorageMachine(RuleBasedStateMachine):
    """Subclass with `make`, which builds an empty store on the running loop."""

    transactions = Bundle("transactions")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model: dict[str, bytes] = {}

    def make(self) -> Storage:
        """Build an empty store."""
        raise NotImplementedError

    @initialize()
    def start(self) -> None:
        async def build() -> Storage:
            return self.make()

        self.storage = self.runner.run(build())

    def teardown(self) -> None:
        async def check() -> None:
            stored = self.storage.begin()
            assert await stored.scan("", limit=10_000) == sorted(self.model, key=str.encode)
            assert {key: await stored.get(key) for key in self.model} == self.model
            await self.storage.close()

        with self.runner:
            self.runner.run(check())

    def view(self, opened: Open) -> dict[str, bytes]:
        merged: dict[str, bytes | None] = {**self.model, **opened.writes}
        return {key: value for key, value in merged.items() if value is not None}

    @rule(target=transactions)
    def begin(self) -> Open:
        return Open(self.storage.begin())

    @rule(opened=transactions, key=keys)
    def get(self, opened: Open, key: str) -> None:
        if opened.ended:
            return
        answer = self.runner.run(opened.tx.get(key))
        if key in opened.writes:
            assert answer == opened.writes[key]
        else:
            assert answer == opened.reads.setdefault(key, self.model.get(key))

    @rule(opened=transactions, prefix=prefixes, after=prefixes)
    def scan(self, opened: Open, prefix: str, after: str) -> None:
        if opened.ended:
            return
        answer = self.runner.run(opened.tx.scan(prefix, after))
        if (prefix, after) in opened.scans or opened.writes:
            return  # Repeatable or mixed answers are the suite's business; here: against the present model.
        matching = (key for key in self.view(opened) if key.startswith(prefix) and (not after or key > after))
        assert answer == sorted(matching, key=str.encode)
        opened.scans[prefix, after] = answer

    @rule(opened=transactions, key=keys, value=st.none() | st.binary(max_size=8))
    def write(self, opened: Open, key: str, value: bytes | None) -> None:
        if opened.ended:
            return
        opened.writes[key] = value
        if value is None:
            opened.tx.delete(key)
        else:
            opened.tx.put(key, value)

    @rule(opened=transactions)
    def commit(self, opened: Open) -> None:
        if opened.ended:
            return
        opened.ended = True
        stale = any(self.model.get(key) != value for key, value in opened.reads.items()) or any(
            [
                key
                for key in sorted(self.model, key=str.encode)
                if key.startswith(prefix) and (not after or key > after)
            ]
            != found
            for (prefix, after), found in opened.scans.items()
        )
        try:
            self.runner.run(opened.tx.commit())
        except Conflict:
            assert stale
            return
        assert not stale
        for key, value in opened.writes.items():
            if value is None:
                self.model.pop(key, None)
            else:
                self.model[key] = value
