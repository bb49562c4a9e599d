"""What a node knows of the store: a cache of ciphertext, exact as far as it has heard of changes.

Each transaction waits, before its first read, for one question to the database that was asked after
it began ("what has changed since …?"). All that begin in one turn of the event loop share it, and
every other answer of the database carries the same news.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from psycopg.pq.abc import PGresult

from strongroom.errors import StrongroomError, Unavailable
from strongroom.storage.cache import Cache
from strongroom.storage.optimistic import Writes
from strongroom.storage.postgresql import schema
from strongroom.storage.postgresql.link import Question
from strongroom.storage.postgresql.recent import Change, Recent
from strongroom.storage.postgresql.wire import Row, byteas, integer, rows

T = TypeVar("T")
Watcher = Callable[[Sequence[str] | None], None]
Value = tuple[bytes | None, int]
"""A value, or None, and the position at which it was read."""


class _Missing(Exception):
    """The cache says nothing of a key."""


def _missing(_: str) -> bytes | None:
    raise _Missing


class Reading:
    """The reading side of one node. `ask` sends a question to the database."""

    def __init__(self, ask: Callable[[Question], None], cache_bytes: int) -> None:
        self.recent = Recent(0)
        self.watchers: list[Watcher] = []
        self._ask = ask
        self._cache_bytes = cache_bytes
        self._cache = Cache(cache_bytes)
        self._asked = 0
        self._answered = 0
        self._round: list[asyncio.Future[None]] = []
        self._round_since = 0.0
        self._round_under_way = False
        self._wanted: dict[str, list[asyncio.Future[Value]]] = {}

    @property
    def moment(self) -> int:
        """A number that is answered by every question asked from now on, and by none asked before."""
        return self._asked + 1

    async def fresh(self) -> int:
        """Hear of every change up to now; return a moment that is past. Raises Unavailable."""
        await self._next_round()
        return self._answered

    async def read(self, key: str, moment: int) -> Value:
        """The value at `key`, not older than `moment`. Raises Unavailable."""
        while True:
            try:
                value = self._cache.get(key, _missing)
            except _Missing:
                return await self._load(key)
            if self._answered >= moment:
                return value, self.recent.known
            await self._next_round()

    async def keys(self, first: bytes, beyond: bytes, limit: int) -> tuple[list[str], int]:
        """Up to `limit` keys from `first` up to `beyond`, and the position. Raises Unavailable."""
        found: asyncio.Future[tuple[list[str], int]] = asyncio.get_running_loop().create_future()

        def done(seq: int, entries: list[Row]) -> None:
            if not found.done():
                found.set_result(([(row.key or b"").decode() for row in entries], seq))

        parameters: list[bytes | None] = [first, beyond, integer(limit)]
        self._question(schema.SCAN, lambda: parameters, done, [found])
        return await found

    def arrived(self, head: int) -> None:
        """A new connection: nothing that was known of the store before is relied on."""
        self.recent = Recent(head)
        self._cache = Cache(self._cache_bytes)
        for watcher in self.watchers:
            watcher(None)

    def written(self, seq: int, whole: bool, changes: Iterable[Change], own: Writes) -> None:
        """Take the answer to one's own group, `seq`: the news up to it, and what it wrote."""
        if not whole:
            self.arrived(seq)
        self._learn(changes, seq)
        for key, value in own.items():
            if not self.recent.touched({key: (None, seq)}, ()):
                self._cache.set(key, value)

    def _learn(self, changes: Iterable[Change], own: int = 0) -> None:
        before = self.recent.known
        foreign = []
        for change in sorted(change for change in changes if change.seq > before):
            self.recent.add(change)
            self._cache.drop(change.key)
            if change.seq != own:
                foreign.append(change.key)
        if foreign:
            for watcher in self.watchers:
                watcher(foreign)

    async def _next_round(self) -> None:
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        if not self._round:
            self._round_since = loop.time()
        self._round.append(waiter)
        if not self._round_under_way:
            self._round_under_way = True
            loop.call_soon(self._send_round)
        await waiter

    def _send_round(self) -> None:
        waiting, self._round = self._round, []

        def done(_: int, __: list[Row]) -> None:
            for waiter in waiting:
                if not waiter.done():
                    waiter.set_result(None)

        # Waiting for the round before it counts: patience is that of whoever asks.
        self._question(schema.NEWS, list, done, waiting, self._round_ended, self._round_since)

    def _round_ended(self) -> None:
        """The next question is for those who began to wait meanwhile."""
        self._round_under_way = bool(self._round)
        if self._round:
            self._send_round()

    async def _load(self, key: str) -> Value:
        waiter: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        if not self._wanted:
            asyncio.get_running_loop().call_soon(self._send_loads)
        self._wanted.setdefault(key, []).append(waiter)
        return await waiter

    def _send_loads(self) -> None:
        """Load what was asked for in this turn of the loop, at once."""
        wanted, self._wanted = self._wanted, {}

        def done(seq: int, entries: list[Row]) -> None:
            values = {(row.key or b"").decode(): row.value for row in entries}
            for key, waiters in wanted.items():
                value = values.get(key)
                # The news of another connection may be later, and say that this is old.
                if not self.recent.touched({key: (None, seq)}, ()):
                    self._cache.set(key, value)
                for waiter in waiters:
                    if not waiter.done():
                        waiter.set_result((value, seq))

        keys = byteas([key.encode() for key in wanted])
        waiting = [waiter for waiters in wanted.values() for waiter in waiters]
        self._question(schema.LOAD, lambda: [keys], done, waiting)

    def _question(
        self,
        statement: bytes,
        parameters: Callable[[], list[bytes | None]],
        done: Callable[[int, list[Row]], None],
        waiting: Sequence[asyncio.Future[T]],
        ended: Callable[[], None] = lambda: None,
        since: float = 0,
    ) -> None:
        """Ask with the present position; hear the news in the answer, then say what it holds."""
        sent = [0, 0]

        def numbered() -> list[bytes | None]:
            self._asked += 1
            sent[:] = self._asked, self.recent.known
            return [integer(self.recent.known), *parameters()]

        def answered(result: PGresult) -> None:
            number, base = sent
            seq, entries = self._news(base, rows(result))
            self._answered = max(self._answered, number)
            done(seq, entries)
            ended()

        def failed(error: Exception) -> None:
            failure = error if isinstance(error, StrongroomError) else Unavailable("the store cannot be read")
            for waiter in waiting:
                if not waiter.done():
                    waiter.set_exception(failure)
            ended()

        question = Question(statement, numbered, answered, failed)
        question.asked = since or question.asked
        self._ask(question)

    def _news(self, base: int, found: Iterable[Row]) -> tuple[int, list[Row]]:
        """Learn what an answer says of changes; return its position, and its other rows."""
        changes, entries, floor = [], [], 0
        for row in found:
            if row.seq is None:
                entries.append(row)
            elif row.key is None:
                floor = row.seq
            else:
                changes.append(Change(row.seq, row.key.decode(), bool(row.shape)))
        seq = max((change.seq for change in changes), default=base)
        if floor > base:
            self.arrived(max(seq, floor))
        self._learn(changes)
        return max(seq, floor), entries
