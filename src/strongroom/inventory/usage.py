"""Who read which version of which secret, and when: gathered in memory, written in groups.

A read costs one look-up in a table. What a crash loses is the last few seconds of it;
the audit log has every read.
"""

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from strongroom.barrier.view import View
from strongroom.framework import Caller

MAX_READERS = 256  # kept of one secret: the latest
MAX_GATHERED = 20_000  # distinct reads in memory; more are counted as lost

Place = tuple[str, str]  # mount's uuid, path
Read = tuple[str, str, int, str]  # mount's uuid, path, version, identity


class Reader(Struct, frozen=True, array_like=True):
    """One identity's reads of one secret; times in seconds, `versions` with the last read of each."""

    first: float
    last: float
    count: int
    versions: dict[int, float] = {}


class Usage(Struct, frozen=True):
    """A secret's readers by identity."""

    readers: dict[str, Reader] = {}

    @property
    def last(self) -> float:
        """When it was last read, 0 for never."""
        return max((reader.last for reader in self.readers.values()), default=0.0)


class Identity(Struct, frozen=True):
    """Who reads: the policies they had when last seen."""

    policies: tuple[str, ...]
    last: float
    entity: bool = False


class Seen(NamedTuple):
    """A caller as last seen."""

    policies: tuple[str, ...]
    entity: bool


class Gathered:
    """Reads that are not written yet."""

    def __init__(self) -> None:
        self._reads: dict[Read, tuple[int, float, float]] = {}
        self._callers: dict[str, Seen] = {}
        self.lost = 0

    def __len__(self) -> int:
        return len(self._reads)

    def add(self, mount: str, path: str, version: int, caller: Caller, now: float) -> bool:
        """Count one read; tell whether there was none like it."""
        identity = identity_of(caller)
        read = (mount, path, version, identity)
        seen = self._reads.get(read)
        if seen is not None:
            self._reads[read] = (seen[0] + 1, seen[1], now)
            return False
        if len(self._reads) < MAX_GATHERED:
            self._reads[read] = (1, now, now)
            self._callers[identity] = Seen(caller.policies, bool(caller.entity_id))
        else:
            self.lost += 1
        return True

    def take(self, most: int) -> "Gathered":
        """Up to `most` reads, out of what there is."""
        taken = Gathered()
        taken._reads = {read: self._reads.pop(read) for read in list(islice(self._reads, most))}
        taken._callers = {identity: self._callers[identity] for *_, identity in taken._reads}
        if not self._reads:
            self._callers = {}
        return taken

    def put_back(self, other: "Gathered") -> None:
        """Take again what could not be written."""
        for read, (count, first, last) in other._reads.items():
            seen = self._reads.get(read)
            self._reads[read] = (count + seen[0], first, seen[2]) if seen else (count, first, last)
        self._callers = {**other._callers, **self._callers}

    def places(self) -> dict[Place, list[tuple[str, int, int, float, float]]]:
        """(identity, version, count, first, last) by secret."""
        found: dict[Place, list[tuple[str, int, int, float, float]]] = {}
        for (mount, path, version, identity), (count, first, last) in self._reads.items():
            found.setdefault((mount, path), []).append((identity, version, count, first, last))
        return found

    def added_to(self, usage: Usage, mount: str, path: str) -> Usage:
        """A secret's usage with what was gathered of it."""
        readers = dict(usage.readers)
        for (at, inner, version, identity), (count, first, last) in self._reads.items():
            if (at, inner) == (mount, path):
                readers[identity] = _added(readers.get(identity), version, count, first, last)
        return Usage(readers)

    def identities(self) -> Iterable[tuple[str, "Seen"]]:
        """Who read."""
        return self._callers.items()


def identity_of(caller: Caller) -> str:
    """The name that stays when tokens change: the entity, else the login's name (with the role, if any)."""
    if caller.entity_id:
        return caller.entity_id
    role = caller.metadata.get("role_name") if caller.metadata else None
    return f"{caller.display_name}:{role}" if role else caller.display_name


async def write(view: View, gathered: Gathered, now: float) -> None:
    """Add what was gathered to the stored usage, in one transaction."""
    for (mount, path), reads in gathered.places().items():
        usage = await view.find(f"usage/{mount}/{path}", Usage) or Usage()
        readers = dict(usage.readers)
        for identity, version, count, first, last in reads:
            if identity not in readers:
                view.put_bytes(f"reader/{identity}/{mount}/{path}", b"")
            readers[identity] = _added(readers.get(identity), version, count, first, last)
        for dropped in sorted(readers, key=lambda name: readers[name].last)[:-MAX_READERS]:
            del readers[dropped]
            view.delete(f"reader/{dropped}/{mount}/{path}")
        view.put(f"usage/{mount}/{path}", Usage(readers))
    for identity, seen in gathered.identities():
        view.put(f"identity/{identity}", Identity(seen.policies, now, seen.entity))


def _added(reader: Reader | None, version: int, count: int, first: float, last: float) -> Reader:
    if reader is None:
        return Reader(first, last, count, {version: last})
    return replace(
        reader,
        first=min(first, reader.first),
        last=max(last, reader.last),
        count=reader.count + count,
        versions={**reader.versions, version: max(last, reader.versions.get(version, 0.0))},
    )
