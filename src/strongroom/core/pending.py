"""Pending leases: recorded durably before their secret exists, completed by the request's own commit.

Whatever happens in between (a refusal, a conflict, a crash), an entry remains that
the sweeper revokes: at once when the request failed, when the server is unsealed
after a crash, and at the latest after PENDING_SECONDS. Below `expire/`, the key
`pending/<lease>` stands next to the entry until it is completed or ended.
"""

from collections.abc import Awaitable, Callable

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.clock import Clock
from strongroom.core import leases
from strongroom.core.leases import LeaseEntry
from strongroom.core.quotas import counts
from strongroom.errors import UpstreamFailed
from strongroom.framework import Lease, Mount
from strongroom.storage.contract import Conflict

Charge = Callable[[BarrierTransaction, LeaseEntry], Awaitable[None]]

PENDING_SECONDS = 120.0
RERUNS = 20


class PendingLeases:
    """The pending leases of one attempt at one request."""

    def __init__(
        self,
        begin: Callable[[], BarrierTransaction],
        clock: Clock,
        mount: Mount,
        path: str,
        token: str,
        charge: Charge | None = None,
    ) -> None:
        self._charge = charge
        self._begin = begin
        self._clock = clock
        self._mount = mount
        self._path = path
        self._token = token
        self._open: list[Lease] = []

    async def record(self, lease: Lease) -> None:
        """Give `lease` its id and granted ttl, and record it, due soon. Raises RateLimited over a quota."""
        now = self._clock.now()
        entry = leases.entry_for(self._mount, self._path, self._token, lease, now)
        entry.due = entry.pending_until = now + PENDING_SECONDS
        for _ in range(RERUNS):
            tx = self._begin()
            leases.save(leases.view(tx), entry)
            if self._charge is not None:
                entry.quota = ""
                await self._charge(tx, entry)
            try:
                await tx.commit()
            except Conflict:
                continue
            self._open.append(lease)
            return
        raise Conflict(lease.id)

    async def drop(self, lease: Lease) -> None:
        """Forget a recorded lease whose secret certainly does not exist."""
        tx = self._begin()
        await counts.drop(tx, await leases.lookup(leases.view(tx), lease.id))
        await tx.commit()
        self._open.remove(lease)

    async def complete(self, tx: BarrierTransaction) -> None:
        """Turn what was recorded into leases, in the request's transaction.

        Raises UpstreamFailed when one was ended meanwhile: its token revoked, its time up.
        """
        for lease in self._open:
            expire = leases.view(tx)
            entry = await expire.find(f"id/{lease.id}", LeaseEntry)
            if entry is None or entry.revoking or entry.pending_until <= self._clock.now():
                raise UpstreamFailed("the lease was revoked before its secret was made")
            leases.settle(expire, entry)
            leases.move(expire, entry, entry.expires)

    async def abandon(self) -> None:
        """Have revoked whatever was recorded by an attempt that failed, as soon as can be."""
        for lease in self._open:
            for _ in range(RERUNS):
                tx = self._begin()
                expire = leases.view(tx)
                now = self._clock.now()
                entry = await expire.find(f"id/{lease.id}", LeaseEntry)
                if entry is None:
                    entry = leases.entry_for(self._mount, self._path, self._token, lease, now)
                leases.settle(expire, entry)
                leases.schedule_end(expire, entry, now)
                try:
                    await tx.commit()
                except Conflict:
                    continue
                break
        self._open.clear()


async def recover(begin: Callable[[], BarrierTransaction], clock: Clock) -> None:
    """After a start nothing is under way any more: what is still pending is revoked by the next sweep.

    One process works on a store, so every entry found here was left by one that ended.
    """
    tx = begin()
    expire = leases.view(tx)
    for key in await expire.keys("pending/"):
        entry = await expire.find(f"id/{key.removeprefix('pending/')}", LeaseEntry)
        expire.delete(key)
        if entry is not None:
            leases.settle(expire, entry)
            leases.schedule_end(expire, entry, clock.now())
    await tx.commit()
