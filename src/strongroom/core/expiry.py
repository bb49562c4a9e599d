"""Ending leases: the sweeper, and revocation on request.

A token's end is one transaction. A secret's end reaches outside, so the wish is
recorded first; then the engine revokes, and a failure is tried again, listed and
never forgotten.
"""

import asyncio
import logging
import random
import secrets
from collections.abc import Awaitable, Callable

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.clock import Clock
from strongroom.core import leases, token_store
from strongroom.core.leases import LeaseEntry
from strongroom.core.quotas import counts
from strongroom.core.tokens import Tokens
from strongroom.errors import InvalidRequest, NotFound, Sealed, Unavailable
from strongroom.storage.contract import Conflict

log = logging.getLogger(__name__)

BATCH = 200
PAUSE = 1.0
UPKEEP_SECONDS = 60.0
RERUNS = 20
AT_ONCE = 32
CLAIM_SECONDS = 60.0

RevokeSecret = Callable[[BarrierTransaction, LeaseEntry], Awaitable[None]]


class Expiry:
    """Ends what is due. `revoke_secret` calls the engine that issued it."""

    def __init__(
        self,
        clock: Clock,
        begin: Callable[[], BarrierTransaction],
        tokens: Tokens,
        revoke_secret: RevokeSecret,
        *,
        alone: bool = True,
    ) -> None:
        self._clock = clock
        self._begin = begin
        self._tokens = tokens
        self._revoke_secret = revoke_secret
        self._alone = alone
        self._me = secrets.token_hex(8)
        self._task: asyncio.Task[None] | None = None

    def start(self, upkeep: Callable[[], Awaitable[None]]) -> None:
        """Sweep in the background until `stop`; `upkeep` runs every minute."""
        self._task = asyncio.get_running_loop().create_task(self._run(upkeep))

    async def stop(self) -> None:
        """Finish the step at hand and stop sweeping."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self, upkeep: Callable[[], Awaitable[None]]) -> None:
        next_upkeep = self._clock.now() + UPKEEP_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                swept = await self.sweep()
                if self._clock.now() >= next_upkeep:
                    next_upkeep = self._clock.now() + UPKEEP_SECONDS
                    await upkeep()
            except Sealed:
                return
            except Unavailable as error:
                log.warning("the lease sweeper failed (%s); it goes on", error)
                swept = 0
            except Exception:
                log.exception("the lease sweeper failed; it goes on")
                swept = 0
            # With much due at once requests get the loop, and outside systems rest, for half of the time.
            await asyncio.sleep(min(loop.time() - began, PAUSE) if swept == BATCH else PAUSE)

    async def sweep(self) -> int:
        """End up to one batch of what is due; returns how many were looked at."""
        tx = self._begin()
        ripe = await leases.due_now(leases.view(tx), self._clock.now(), BATCH)
        if not self._alone:
            random.shuffle(ripe)  # nodes that begin at different ends meet less often
        await self._each(ripe, self.end)
        return len(ripe)

    async def _each(self, lease_ids: list[str], end: Callable[[str], Awaitable[bool]]) -> int:
        """End several at a time, so that one slow outside system holds up few; returns how many are left."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one(lease_id: str) -> bool:
            async with room:
                return await end(lease_id)

        return (await asyncio.gather(*map(one, lease_ids))).count(False)

    async def end(self, lease_id: str, *, force: bool = False) -> bool:
        """End one lease now; False when the secret could not be revoked and will be tried again.

        With `force` the lease is dropped even though the secret could not be revoked.
        """
        for _ in range(RERUNS):
            try:
                return await self._end(lease_id, force=force)
            except Conflict:
                continue
        return False

    async def _end(self, lease_id: str, *, force: bool) -> bool:
        tx = self._begin()
        entry = await leases.view(tx).find(f"id/{lease_id}", LeaseEntry)
        if entry is None:
            return True
        if entry.is_token:
            await self._end_token(tx, entry)
            return True
        if entry.pending_until > self._clock.now() and not force:
            await self._end_when_made(tx, entry)
            return False
        if not (self._alone or force or await self._claimed(tx, entry)):
            return False
        return await self._end_secret(lease_id, force=force)

    async def _end_secret(self, lease_id: str, *, force: bool) -> bool:
        tx = self._begin()
        expire = leases.view(tx)
        entry = await expire.find(f"id/{lease_id}", LeaseEntry)
        if entry is None:
            return True
        try:
            await self._revoke_secret(tx, entry)
        except (Conflict, Sealed):
            raise
        except Exception as error:
            if not force:
                await self._put_off(lease_id, error)
                return False
        await counts.drop(tx, entry)
        await tx.commit()
        return True

    async def _claimed(self, tx: BarrierTransaction, entry: LeaseEntry) -> bool:
        """Take a secret's end upon this node, for a while; False when another one has it."""
        now = self._clock.now()
        if entry.claimed_until > now:
            return entry.claimed_by == self._me
        entry.claimed_by, entry.claimed_until = self._me, now + CLAIM_SECONDS
        leases.move(leases.view(tx), entry, entry.claimed_until)
        await tx.commit()
        return True

    async def _end_when_made(self, tx: BarrierTransaction, entry: LeaseEntry) -> None:
        """A secret that is being made cannot be revoked yet: its request fails, and has it revoked then."""
        entry.revoking = True
        leases.move(leases.view(tx), entry, entry.pending_until)
        await tx.commit()

    async def _put_off(self, lease_id: str, error: Exception) -> None:
        tx = self._begin()
        expire = leases.view(tx)
        entry = await expire.find(f"id/{lease_id}", LeaseEntry)
        if entry is None:
            return
        leases.failed(expire, entry, error, self._clock.now())
        await tx.commit()
        log.warning("revoking a lease failed (%s), attempt %d", entry.error, entry.attempts)

    async def _end_token(self, tx: BarrierTransaction, entry: LeaseEntry) -> None:
        removed = await token_store.remove(tx, self._tokens.keys.token_id, entry.token, self._clock.now())
        if not removed:
            await counts.drop(tx, entry)
        await tx.commit()
        self._tokens.forget(*removed)

    async def end_token(self, token: str, *, orphan: bool = False) -> None:
        """Revoke a token with its descendants, durably, and then the secrets they asked for."""
        for _ in range(RERUNS):
            try:
                await self._revoke(token, orphan=orphan)
            except Conflict:
                continue
            break
        else:
            raise Conflict(token)

    async def _revoke(self, token: str, *, orphan: bool) -> None:
        tx = self._begin()
        now = self._clock.now()
        removed = await token_store.remove(tx, self._tokens.keys.token_id, token, now, orphan=orphan)
        secrets = [lease for name in removed for lease in await leases.of_token(leases.view(tx), name)]
        await tx.commit()
        self._tokens.forget(*removed)
        await self._each(secrets, self.end)

    async def revoke(self, lease_id: str, *, force: bool = False) -> bool:
        """Revoke one lease by id: marked durably first, ended right after. Raises InvalidRequest."""
        for _ in range(RERUNS):
            tx = self._begin()
            expire = leases.view(tx)
            entry = await leases.lookup(expire, lease_id)
            if entry.is_token:
                break
            leases.schedule_end(expire, entry, self._clock.now())
            try:
                await tx.commit()
            except Conflict:
                continue
            break
        return await self.end(lease_id, force=force)

    async def revoke_below(self, prefix: str, *, force: bool = False) -> int:
        """Revoke every lease whose id starts with `prefix`; returns how many could not be ended yet."""

        async def one(lease_id: str) -> bool:
            try:
                return await self.revoke(lease_id, force=force)
            except (InvalidRequest, NotFound):
                return True

        return await self._each(await leases.below(leases.view(self._begin()), prefix), one)
