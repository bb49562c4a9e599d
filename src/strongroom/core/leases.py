"""Leases: an entry each, an index ordered by when they are due, an index by token.

Layout below `expire/`: `id/<lease>` the entry, `due/<time>/<lease>` the order the
sweeper works in, `token/<token>/<lease>` the secrets a token's end takes along,
`pending/<lease>` those that are being made (see `pending.py`).
"""

from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core import ttl as ttls
from strongroom.core.namespaces.areas import lease_area
from strongroom.core.token_format import random_text
from strongroom.errors import InvalidRequest
from strongroom.framework import Lease, Mount

PREFIX = "expire/"
IRREVOCABLE_AFTER = 6
LONGEST_BACKOFF = 3600.0


class LeaseEntry(Struct, kw_only=True):
    """A lease. Times in seconds; `due` is when the sweeper must act on it, 0 never.

    `token` is the storage name of the token that asked for the secret, or of the
    token itself when `is_token`. `attempts` counts revocations that failed;
    `error` is the class name of the last failure. `asked` is the ttl the engine
    asked for, which a renewal without an increment gets again. `pending_until` is
    set while the secret is being made: until then it is not revoked. `claimed_by`
    is the process that is ending it, where several work, until `claimed_until`.
    `quota` is the name of the lease count quota that counts it.
    """

    id: str
    path: str
    mount: str
    token: str
    issued: float
    expires: float
    due: float
    ttl: int
    max_ttl: int = 0
    renewable: bool = True
    is_token: bool = False
    internal: dict[str, Any] = {}
    last_renewal: float = 0
    revoking: bool = False
    attempts: int = 0
    error: str = ""
    asked: int = 0
    pending_until: float = 0
    claimed_by: str = ""
    claimed_until: float = 0
    quota: str = ""

    @property
    def irrevocable(self) -> bool:
        """Whether so many revocations failed that someone must look."""
        return self.attempts >= IRREVOCABLE_AFTER

    def lease(self) -> Lease:
        """The side of it that engines see."""
        return Lease(self.ttl, self.max_ttl, self.renewable, self.internal, self.id)


def view(tx: BarrierTransaction) -> View:
    """The leases' part of the barrier."""
    return View(tx, PREFIX)


def register(
    tx: BarrierTransaction, mount: Mount, path: str, token: str, lease: Lease, now: float
) -> LeaseEntry:
    """Give an issued secret its lease id and time to live, and record it in the issuing transaction."""
    entry = entry_for(mount, path, token, lease, now)
    save(view(tx), entry)
    return entry


def entry_for(mount: Mount, path: str, token: str, lease: Lease, now: float) -> LeaseEntry:
    """The entry of a secret that is issued now; `lease` gets its id and the ttl granted to it."""
    lease.id = lease.id or f"{lease_area(mount.namespace)}{path}/{random_text(24)}"
    default = mount.config.default_lease_ttl or ttls.DEFAULT_LEASE_TTL
    ceiling = mount.config.max_lease_ttl or ttls.MAX_LEASE_TTL
    maximum = ttls.smallest(lease.max_ttl, ceiling)
    asked = lease.ttl
    lease.ttl = ttls.granted(asked, default, maximum, now, now)
    return LeaseEntry(
        id=lease.id,
        path=path,
        mount=mount.uuid,
        token=token,
        issued=now,
        expires=now + lease.ttl,
        due=now + lease.ttl,
        ttl=lease.ttl,
        max_ttl=maximum,
        renewable=lease.renewable,
        internal=lease.internal,
        asked=asked,
    )


def save(expire: View, entry: LeaseEntry) -> None:
    """Write a new entry with its indexes."""
    expire.put(f"id/{entry.id}", entry)
    if entry.due:
        expire.put_bytes(_due(entry), b"")
    if entry.token and not entry.is_token:
        expire.put_bytes(f"token/{entry.token}/{entry.id}", b"")
    if entry.pending_until:
        expire.put_bytes(f"pending/{entry.id}", b"")


def settle(expire: View, entry: LeaseEntry) -> None:
    """Let a pending entry be pending no longer; the caller writes it."""
    if entry.pending_until:
        expire.delete(f"pending/{entry.id}")
        entry.pending_until = 0


def move(expire: View, entry: LeaseEntry, due: float) -> None:
    """Change when an entry is due, keeping the order index in step."""
    if entry.due:
        expire.delete(_due(entry))
    entry.due = due
    expire.put(f"id/{entry.id}", entry)
    if due:
        expire.put_bytes(_due(entry), b"")


def drop(expire: View, entry: LeaseEntry) -> None:
    """Remove an entry and its indexes."""
    expire.delete(f"id/{entry.id}")
    settle(expire, entry)
    if entry.due:
        expire.delete(_due(entry))
    if entry.token and not entry.is_token:
        expire.delete(f"token/{entry.token}/{entry.id}")


async def lookup(expire: View, lease_id: str) -> LeaseEntry:
    """Find a lease; raises InvalidRequest as Vault does when there is none."""
    entry = await expire.find(f"id/{lease_id}", LeaseEntry) if lease_id else None
    if entry is None:
        raise InvalidRequest("invalid lease")
    return entry


async def due_now(expire: View, now: float, limit: int) -> list[str]:
    """The ids of up to `limit` leases whose time has come, the longest overdue first."""
    found = await expire.keys("due/", limit=limit)
    ripe = f"due/{_stamp(now)}"
    return [key.split("/", 2)[2] for key in found if key[: len(ripe)] <= ripe]


async def of_token(expire: View, token: str) -> list[str]:
    """The ids of the secrets a token asked for."""
    prefix = f"token/{token}/"
    return [key[len(prefix) :] async for key in _all(expire, prefix)]


async def below(expire: View, prefix: str) -> list[str]:
    """Every lease id that starts with `prefix`."""
    return [key[3:] async for key in _all(expire, f"id/{prefix}")]


async def _all(expire: View, prefix: str) -> AsyncIterator[str]:
    after = ""
    while page := await expire.keys(prefix, after):
        for key in page:
            yield key
        after = page[-1]


def schedule_end(expire: View, entry: LeaseEntry, now: float) -> None:
    """Mark a secret to be revoked at once: durable before anyone is told, done right after."""
    entry.revoking = True
    entry.expires = min(entry.expires, now)
    move(expire, entry, now)


def failed(expire: View, entry: LeaseEntry, error: BaseException, now: float) -> None:
    """Record a failed revocation and when to try again: 10 s, doubling, up to an hour."""
    entry.claimed_by, entry.claimed_until = "", 0
    entry.attempts += 1
    entry.error = type(error).__name__
    move(expire, entry, now + min(10.0 * 2 ** (entry.attempts - 1), LONGEST_BACKOFF))


def renewed(expire: View, entry: LeaseEntry, increment: int, mount: Mount, now: float) -> None:
    """Extend a lease up to its maximum. Raises InvalidRequest when it cannot be renewed."""
    if not entry.renewable or entry.pending_until:
        raise InvalidRequest("lease is not renewable")
    if entry.revoking or (entry.expires and entry.expires <= now):
        raise InvalidRequest("lease expired")
    default = entry.asked or mount.config.default_lease_ttl or ttls.DEFAULT_LEASE_TTL
    entry.ttl = ttls.granted(increment, default, entry.max_ttl, entry.issued, now)
    entry.expires = now + entry.ttl
    entry.last_renewal = now
    move(expire, entry, entry.expires)


def _due(entry: LeaseEntry) -> str:
    return f"due/{_stamp(entry.due)}/{entry.id}"


def _stamp(seconds: float) -> str:
    return f"{seconds:017.3f}"
