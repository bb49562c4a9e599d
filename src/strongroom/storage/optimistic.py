"""Optimistic transactions: read freely, check on commit, then hand the writes over as one.

What was read is kept with its value and compared again when committing, so the
check is exact and needs no history of earlier commits. Between that check and
the hand-over nothing is awaited, which makes the two one step on the event loop.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from strongroom.storage.contract import Conflict

Writes = dict[str, bytes | None]


class Backing(Protocol):
    """What a backend in this process offers to its transactions. Only `settle` and `apply` wait."""

    changes: int
    """Counts every change of what `read` and `keys` may answer."""

    @property
    def unsettled(self) -> Mapping[str, bytes | None]:
        """Writes handed over that are not durable yet."""
        ...

    def read(self, key: str) -> bytes | None:
        """Return the newest value, durable or not."""
        ...

    def keys(self, prefix: str, after: str, limit: int) -> list[str]:
        """Return the newest keys, in order."""
        ...

    async def settle(self) -> None:
        """Return when all that was handed over is durable."""
        ...

    async def apply(self, writes: Writes) -> None:
        """Make `writes` readable at once and return when they are durable."""
        ...


class OptimisticTransaction:
    """One transaction over a Backing; see the contract."""

    __slots__ = ("_backing", "_changes", "_ranges", "_reads", "_writes")

    def __init__(self, backing: Backing) -> None:
        self._backing = backing
        self._changes = backing.changes
        self._reads: Writes = {}
        self._ranges: dict[tuple[str, str, int], list[str]] = {}
        self._writes: Writes = {}

    @property
    def dirty(self) -> bool:
        """Whether anything is to be written."""
        return bool(self._writes)

    async def get(self, key: str) -> bytes | None:
        """Return the value at `key`, or None; the same answer each time it is asked."""
        if key in self._writes:
            return self._writes[key]
        if key in self._reads:
            return self._reads[key]
        value = self._reads[key] = self._backing.read(key)
        return value

    async def scan(self, prefix: str, after: str = "", limit: int = 1000) -> list[str]:
        """Return up to `limit` keys that start with `prefix` and sort after `after`."""
        own = [key for key in self._writes if key.startswith(prefix) and key > after]
        # Each of our deletions may hide one stored key, so ask for that many more.
        wanted = limit + sum(self._writes[key] is None for key in own)
        request = (prefix, after, wanted)
        found = self._ranges.get(request)
        if found is None:
            found = self._ranges[request] = self._backing.keys(*request)
        if not own:
            return list(found)
        kept = {key for key in found if self._writes.get(key, b"") is not None}
        kept.update(key for key in own if self._writes[key] is not None)
        return sorted(kept)[:limit]

    def put(self, key: str, value: bytes) -> None:
        """Buffer a write."""
        self._writes[key] = value

    def delete(self, key: str) -> None:
        """Buffer a deletion."""
        self._writes[key] = None

    async def commit(self) -> None:
        """Check what was read, then make the writes durable. Raises Conflict, StorageFull."""
        backing = self._backing
        if backing.changes != self._changes:
            self._check()
        if self._writes:
            await backing.apply(self._writes)
        elif backing.unsettled and self._read_unsettled(backing.unsettled):
            await backing.settle()

    def unchanged(self) -> bool:
        """Whether all that was read is so still and durable; False too where only waiting could tell."""
        backing = self._backing
        if backing.changes != self._changes:
            try:
                self._check()
            except Conflict:
                return False
            self._changes = backing.changes
        return not backing.unsettled or not self._read_unsettled(backing.unsettled)

    def held(self) -> int:
        """How many bytes were read."""
        return sum(len(value) for value in self._reads.values() if value is not None)

    def _check(self) -> None:
        backing = self._backing
        for key, value in self._reads.items():
            if backing.read(key) != value:
                raise Conflict(key)
        for request, found in self._ranges.items():
            if backing.keys(*request) != found:
                raise Conflict(request[0])

    def _read_unsettled(self, unsettled: Iterable[str]) -> bool:
        prefixes = tuple(prefix for prefix, _, _ in self._ranges)
        return any(key in self._reads or (prefixes and key.startswith(prefixes)) for key in unsettled)
