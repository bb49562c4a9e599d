"""How many leases each quota counts: exactly, in the transaction that makes or ends a lease.

A count is a row in each of SHARDS, by the lease's name, so that leases which end at the same time
seldom meet. Making one reads them all, so of two that would be one too many, one conflicts.
"""

from collections.abc import Awaitable, Callable
from zlib import crc32

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core import leases
from strongroom.core.leases import LeaseEntry
from strongroom.core.namespaces.areas import namespace_of
from strongroom.core.quotas.record import LeaseCount
from strongroom.core.quotas.scopes import Scopes

PREFIX = "quota-count/"
SHARDS = 32


class Count(Struct, frozen=True):
    """The leases of one shard."""

    leases: int


async def total(tx: BarrierTransaction, quota: str) -> int:
    """How many leases a quota counts."""
    rows = View(tx, f"{PREFIX}{quota}/")
    found = [await rows.find(str(shard), Count) for shard in range(SHARDS)]
    return sum(count.leases for count in found if count is not None)


async def add(tx: BarrierTransaction, quota: str, entry: LeaseEntry) -> None:
    """Count a lease, which from now on names the quota."""
    await _change(tx, quota, entry.id, 1)
    entry.quota = quota
    leases.view(tx).put(f"id/{entry.id}", entry)


async def drop(tx: BarrierTransaction, entry: LeaseEntry) -> None:
    """Remove a lease, and from its quota's count."""
    if entry.quota:
        await _change(tx, entry.quota, entry.id, -1)
    leases.drop(leases.view(tx), entry)


async def _change(tx: BarrierTransaction, quota: str, lease_id: str, by: int) -> None:
    rows, shard = View(tx, f"{PREFIX}{quota}/"), str(crc32(lease_id.encode()) % SHARDS)
    count = await rows.find(shard, Count) or Count(0)
    if count.leases + by > 0:
        rows.put(shard, Count(count.leases + by))
    else:
        rows.delete(shard)


async def assign(
    tx: BarrierTransaction, quotas: Scopes[LeaseCount], place: Callable[[str], Awaitable[str]], gone: str = ""
) -> None:
    """Count the leases there are under a new quota, or those of one that is `gone` under another.

    `place` tells a namespace's path by its uuid. What some quota counts already stays there; which
    role a lease was for is not known any more, so a role's quota counts from now on.
    """
    expire = leases.view(tx)
    for shard in range(SHARDS) if gone else ():
        tx.delete(f"{PREFIX}{gone}/{shard}")
    for lease_id in await leases.below(expire, ""):
        entry = await expire.find(f"id/{lease_id}", LeaseEntry)
        if entry is None or entry.quota not in ("", gone):
            continue
        quota = quotas.find(await place(namespace_of(lease_id)), entry.path)
        if quota is not None:
            await add(tx, quota.name, entry)
        elif entry.quota:
            entry.quota = ""
            expire.put(f"id/{lease_id}", entry)
