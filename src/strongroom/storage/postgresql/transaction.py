"""A transaction of a node: reads from the node's cache or the database, checked when it commits.

Its reads are no older than its begin (or the moment it was given): the first one waits until the
node has heard of every change up to then. What was read is kept with the position it was read at.
"""

from typing import TYPE_CHECKING

from strongroom.errors import InvalidRequest
from strongroom.storage.contract import Conflict
from strongroom.storage.optimistic import Writes
from strongroom.storage.postgresql.recent import Range

if TYPE_CHECKING:
    from strongroom.storage.postgresql.storage import PostgresqlStorage

MAX_KEY_BYTES = 2600
"""PostgreSQL indexes no longer ones."""


class PostgresqlTransaction:
    """One transaction over the store; see the contract."""

    __slots__ = ("_moment", "_scans", "_store", "ranges", "reads", "writes")

    def __init__(self, store: "PostgresqlStorage", moment: int) -> None:
        self._store = store
        self._moment = moment
        self._scans: dict[tuple[str, str, int], list[str]] = {}
        self.reads: dict[str, tuple[bytes | None, int]] = {}
        self.ranges: list[Range] = []
        self.writes: Writes = {}

    @property
    def dirty(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.writes)

    async def get(self, key: str) -> bytes | None:
        """Return the value at `key`, or None; the same answer each time it is asked. Raises Unavailable."""
        if key in self.writes:
            return self.writes[key]
        known = self.reads.get(key)
        if known is None:
            known = self.reads[key] = await self._store.read(key, self._moment)
        return known[0]

    async def scan(self, prefix: str, after: str = "", limit: int = 1000) -> list[str]:
        """Return up to `limit` keys that start with `prefix` and sort after `after`. Raises Unavailable."""
        own = [key for key in self.writes if key.startswith(prefix) and key > after]
        # Each of our deletions may hide one stored key, so ask for that many more.
        wanted = limit + sum(self.writes[key] is None for key in own)
        found = await self._stored(prefix, after, wanted)
        if not own:
            return list(found)
        kept = {key for key in found if self.writes.get(key, b"") is not None}
        kept.update(key for key in own if self.writes[key] is not None)
        return sorted(kept)[:limit]

    def put(self, key: str, value: bytes) -> None:
        """Buffer a write. Raises InvalidRequest for a key that is too long."""
        if len(key) * 4 > MAX_KEY_BYTES and len(key.encode()) > MAX_KEY_BYTES:
            raise InvalidRequest(f"the path is too long: storage takes {MAX_KEY_BYTES} bytes")
        self.writes[key] = value

    def delete(self, key: str) -> None:
        """Buffer a deletion."""
        self.writes[key] = None

    async def commit(self) -> None:
        """Check what was read, then make the writes durable. Raises Conflict, StorageFull, Unavailable."""
        if self.writes:
            await self._store.commit(self)
        elif self._store.recent.touched(self.reads, self.ranges):
            raise Conflict("what was read has changed")

    async def _stored(self, prefix: str, after: str, limit: int) -> list[str]:
        asked = (prefix, after, limit)
        known = self._scans.get(asked)
        if known is not None or limit <= 0:
            return known or []
        first, beyond = bounds(prefix, after)
        found, seq = await self._store.keys(first, beyond, limit)
        self._scans[asked] = found
        # A full page says nothing of what lies behind its last key.
        self.ranges.append(Range(first, found[-1].encode() + b"\0" if len(found) == limit else beyond, seq))
        return found


def bounds(prefix: str, after: str) -> tuple[bytes, bytes]:
    """The first key of a scan, and the first behind it: keys compare by their UTF-8 bytes."""
    start = prefix.encode()
    first = max(start, after.encode() + b"\0") if after else start
    # No byte of UTF-8 is above 0xF4, so the last one can always be counted up.
    return first, start[:-1] + bytes([start[-1] + 1]) if start else b"\xff"
