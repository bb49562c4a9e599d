"""Groups of commits: what several requests write, in one transaction of the database.

One group is under way at a time; what commits meanwhile forms the next. Within a group no two write
the same key and none reads what another writes, so the database can check and write all of it at
once. A group keeps its number when it is sent again, and is then written once.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from psycopg.pq.abc import PGresult

from strongroom.errors import StrongroomError, Unavailable
from strongroom.storage.contract import Conflict, StorageFull
from strongroom.storage.optimistic import Writes
from strongroom.storage.postgresql import schema
from strongroom.storage.postgresql.link import Question, Refused
from strongroom.storage.postgresql.recent import Change, Range, Recent
from strongroom.storage.postgresql.transaction import PostgresqlTransaction
from strongroom.storage.postgresql.wire import byteas, integer, integers, rows

MAX_MEMBERS = 256
MAX_BYTES = 8 * 2**20
_NOWHERE = -1
_NO_ROOM = ("53100", "53200")
FULL = "the disk that holds the store is full"
UNKNOWN = "the store did not confirm the change: it may have happened or not"


@dataclass(slots=True, eq=False)
class Member:
    """A transaction that waits to be durable."""

    tx: PostgresqlTransaction
    outcome: asyncio.Future[None]

    def end(self, error: Exception | None) -> None:
        """Tell whoever waits, if anyone still does."""
        if not self.outcome.done():
            if error is None:
                self.outcome.set_result(None)
            else:
                self.outcome.set_exception(error)


@dataclass(slots=True)
class Group:
    """What is written together, as of `base`."""

    number: int
    base: int
    members: list[Member] = field(default_factory=list)
    writes: Writes = field(default_factory=dict)
    size: int = 0
    sent: int = 0
    """How often; what was sent and not answered may be written all the same."""

    def takes(self, tx: PostgresqlTransaction) -> bool:
        """Whether `tx` neither writes nor reads what is written here already, and there is room."""
        writes = self.writes
        if len(self.members) >= MAX_MEMBERS or self.size > MAX_BYTES:
            return False
        if not writes:
            return True
        if not writes.keys().isdisjoint(tx.writes) or not writes.keys().isdisjoint(tx.reads):
            return False
        return not tx.ranges or not _meet(tx.ranges, writes)

    def add(self, member: Member) -> None:
        """Write `member` too."""
        self.members.append(member)
        self.writes.update(member.tx.writes)
        self.size += sum(len(value) for value in member.tx.writes.values() if value)

    def parameters(self, writer: bytes) -> list[bytes | None]:
        """What the database's function is given."""
        reads = [
            (number, key.encode()) for number, member in enumerate(self.members) for key in member.tx.reads
        ]
        ranges = [(number, found) for number, member in enumerate(self.members) for found in member.tx.ranges]
        writes = [
            (number, key.encode(), value)
            for number, member in enumerate(self.members)
            for key, value in member.tx.writes.items()
        ]
        return [
            writer,
            integer(self.number),
            integer(self.base),
            integers([number for number, _ in reads]),
            byteas([key for _, key in reads]),
            integers([number for number, _ in ranges]),
            byteas([found.first for _, found in ranges]),
            byteas([found.beyond for _, found in ranges]),
            integers([number for number, _, _ in writes]),
            byteas([key for _, key, _ in writes]),
            byteas([value for _, _, value in writes]),
        ]


def _meet(ranges: Iterable[Range], keys: Iterable[str]) -> bool:
    encoded = [key.encode() for key in keys]
    return any(found.first <= key < found.beyond for found in ranges for key in encoded)


class Groups:
    """Forms groups and hears how they end. `written` takes the changes and one's own new values."""

    def __init__(
        self,
        ask: Callable[[Question], None],
        recent: Callable[[], Recent],
        written: Callable[[int, bool, Sequence[Change], Writes], None],
    ) -> None:
        self._ask = ask
        self._recent = recent
        self._written = written
        self._writer = uuid.uuid4().bytes
        self._number = 0
        self._waiting: list[Member] = []
        self._scheduled = False
        self._under_way: Group | None = None

    async def commit(self, tx: PostgresqlTransaction) -> None:
        """Return when `tx` is durable. Raises Conflict, StorageFull, Unavailable."""
        loop = asyncio.get_running_loop()
        member = Member(tx, loop.create_future())
        self._waiting.append(member)
        self._schedule()
        await member.outcome

    async def settled(self) -> None:
        """Return when nothing is under way any more, however it ended."""
        while self._under_way is not None or self._waiting:
            members = [*self._waiting, *(self._under_way.members if self._under_way else ())]
            await asyncio.gather(*(member.outcome for member in members), return_exceptions=True)
            await asyncio.sleep(0)

    def _schedule(self) -> None:
        if self._under_way is None and not self._scheduled and self._waiting:
            # The group leaves at the end of this turn of the loop, with what else commits in it.
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._scheduled = False
        recent = self._recent()
        group = Group(self._number + 1, recent.known)
        waiting, self._waiting = self._waiting, []
        for member in waiting:
            if member.outcome.done():
                continue
            if recent.touched(member.tx.reads, member.tx.ranges):
                member.end(Conflict("what was read has changed"))
            elif group.takes(member.tx):
                group.add(member)
            else:
                self._waiting.append(member)
        if group.members:
            self._number += 1
            self._under_way = group
            self._ask(Question(schema.COMMIT, lambda: self._parameters(group), self._done, self._failed))

    def _parameters(self, group: Group) -> list[bytes | None]:
        group.sent += 1
        if self._recent().known < group.base:
            # Sent again, to a store that has lost commits: what was read is not what is there.
            group.base = _NOWHERE
        return group.parameters(self._writer)

    def _done(self, result: PGresult) -> None:
        group = self._ended()
        found = list(rows(result))
        head, _, refused, whole = found[0]
        failed = {int(number) for number in (refused or b"").split(b",") if number}
        own: Writes = {}
        for number, member in enumerate(group.members):
            if number not in failed:
                own.update(member.tx.writes)
        changes = [Change(row.seq or 0, (row.key or b"").decode(), bool(row.shape)) for row in found[1:]]
        self._written(head or 0, bool(whole), changes, own)
        for number, member in enumerate(group.members):
            member.end(Conflict("what was read has changed") if number in failed else None)
        self._schedule()

    def _failed(self, error: Exception) -> None:
        group = self._ended()
        failure = _failure(error, group.sent)
        for member in group.members:
            member.end(failure)
        self._schedule()

    def _ended(self) -> Group:
        group, self._under_way = self._under_way, None
        assert group is not None  # noqa: S101  # one group is under way at a time; this is its end
        return group


def _failure(error: Exception, sent: int) -> Exception:
    """What those who wait are told: that nothing was written only when that is certain."""
    if isinstance(error, Refused) and sent == 1:
        if error.state in _NO_ROOM:
            return StorageFull(FULL)
        return Unavailable(f"the store refused the change ({error.state}): nothing was written")
    if sent == 0 and isinstance(error, StrongroomError):
        return error
    return Unavailable(UNKNOWN)
