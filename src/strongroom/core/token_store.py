"""Where tokens are kept: by keyed hash, with indexes by accessor and by parent.

Layout below `token/`: `id/<token>` the entry, `accessor/<hash>` its token,
`parent/<token>/<child>` the tree that revocation walks, `print/<fingerprint>` the token
that a scanner may have found, `space/<namespace>/<token>` the tokens of a namespace.
"""

import hmac
from collections.abc import AsyncIterator

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core import leases
from strongroom.core.leases import LeaseEntry
from strongroom.core.namespaces.areas import SPACE, lease_area
from strongroom.core.quotas import counts
from strongroom.core.token_entry import TokenEntry
from strongroom.errors import NotFound
from strongroom.framework import Caller, Mount

PREFIX = "token/"
PERSONAL = "personal/"


def personal(caller: Caller, mount: Mount) -> str:
    """Where a token keeps what is its own, apart in each namespace: gone with the token."""
    apart = "" if caller.namespace == mount.namespace else f"@{mount.namespace}/"
    return f"{PERSONAL}{caller.id}/{apart}"


def hashed(key: bytes, text: str) -> str:
    """The storage name of a token or accessor: HMAC-SHA256, hex."""
    return hmac.digest(key, text.encode(), "sha256").hex()


def view(tx: BarrierTransaction) -> View:
    """The tokens' part of the barrier."""
    return View(tx, PREFIX)


def save(tx: BarrierTransaction, key: bytes, entry: TokenEntry) -> None:
    """Write a new token with its indexes and, when it expires, its lease."""
    tokens = view(tx)
    if entry.expires:
        entry.lease = entry.lease or f"{lease_area(entry.namespace)}{entry.path}/h{entry.id}"
        leases.save(leases.view(tx), _lease(entry))
    tokens.put(f"id/{entry.id}", entry)
    for index, value in _indexes(key, entry).items():
        tokens.put_bytes(index, value)


def _indexes(key: bytes, entry: TokenEntry) -> dict[str, bytes]:
    """The entries by which a token is found."""
    made = {f"accessor/{hashed(key, entry.accessor)}": entry.id.encode()}
    if entry.fingerprint:
        made[f"print/{entry.fingerprint}"] = entry.id.encode()
    if entry.namespace:
        made[f"{SPACE}{entry.namespace}/{entry.id}"] = b""
    if entry.parent:
        made[f"parent/{entry.parent}/{entry.id}"] = b""
    return made


async def extend(tx: BarrierTransaction, entry: TokenEntry, ttl: int, now: float) -> None:
    """Renew a stored token to `ttl` seconds from `now`."""
    entry.expires = now + ttl
    entry.last_renewal = now
    view(tx).put(f"id/{entry.id}", entry)
    expire = leases.view(tx)
    lease = await leases.lookup(expire, entry.lease)
    lease.expires, lease.ttl, lease.last_renewal = entry.expires, ttl, now
    leases.move(expire, lease, entry.expires)


async def find(tx: BarrierTransaction, token: str) -> TokenEntry | None:
    """The token stored under its hash, or None."""
    return await view(tx).find(f"id/{token}", TokenEntry)


async def by_accessor(tx: BarrierTransaction, key: bytes, accessor: str, namespace: str) -> TokenEntry:
    """The token of an accessor, in a namespace. Raises NotFound."""
    name = await view(tx).find_bytes(f"accessor/{hashed(key, accessor)}")
    entry = await find(tx, name.decode()) if name else None
    if entry is None or entry.namespace != namespace:
        raise NotFound("invalid accessor")
    return entry


async def by_fingerprint(tx: BarrierTransaction, fingerprint: str) -> TokenEntry | None:
    """The token with this fingerprint, None when there is none any more."""
    name = await view(tx).find_bytes(f"print/{fingerprint}")
    return await find(tx, name.decode()) if name else None


async def every(tx: BarrierTransaction, namespace: str | None = None) -> AsyncIterator[TokenEntry]:
    """All stored tokens of a namespace, or of all."""
    tokens = view(tx)
    prefix = f"{SPACE}{namespace}/" if namespace else "id/"
    after = ""
    while page := await tokens.keys(prefix, after):
        for key in page:
            entry = await find(tx, key[len(prefix) :])
            if entry is not None and namespace in (None, entry.namespace):
                yield entry
        after = page[-1]


async def of_namespace(tx: BarrierTransaction, namespace: str) -> list[str]:
    """The tokens of a namespace other than the root."""
    return await _below(view(tx), f"{SPACE}{namespace}/")


async def children(tx: BarrierTransaction, token: str) -> list[str]:
    """The tokens made by a token."""
    return await _below(view(tx), f"parent/{token}/")


async def _below(tokens: View, prefix: str) -> list[str]:
    found: list[str] = []
    after = ""
    while page := await tokens.keys(prefix, after):
        found += [key[len(prefix) :] for key in page]
        after = page[-1]
    return found


async def remove(
    tx: BarrierTransaction, key: bytes, token: str, now: float, *, orphan: bool = False
) -> list[str]:
    """Delete a token, its secrets' rights and its descendants; returns the tokens removed.

    With `orphan` the children live on without a parent. Secrets that the removed
    tokens asked for are marked for revocation in the same transaction.
    """
    removed: list[str] = []
    waiting = [token]
    while waiting:
        name = waiting.pop()
        entry = await find(tx, name)
        offspring = await children(tx, name)
        for child in offspring:
            view(tx).delete(f"parent/{name}/{child}")
            if orphan:
                await _free(tx, child)
        if not orphan:
            waiting += offspring
        if entry is not None:
            await _erase(tx, key, entry, now)
            removed.append(name)
    return removed


async def _free(tx: BarrierTransaction, token: str) -> None:
    child = await find(tx, token)
    if child is not None:
        child.parent = ""
        view(tx).put(f"id/{child.id}", child)


async def _erase(tx: BarrierTransaction, key: bytes, entry: TokenEntry, now: float) -> None:
    tokens, expire = view(tx), leases.view(tx)
    tokens.delete(f"id/{entry.id}")
    for index in _indexes(key, entry):
        tokens.delete(index)
    for key_below in await _keys_below(tx, f"{PERSONAL}{entry.id}/"):
        tx.delete(key_below)
    if entry.lease:
        lease = await expire.find(f"id/{entry.lease}", LeaseEntry)
        if lease is not None:
            await counts.drop(tx, lease)
    for lease_id in await leases.of_token(expire, entry.id):
        secret = await expire.find(f"id/{lease_id}", LeaseEntry)
        if secret is not None:
            leases.schedule_end(expire, secret, now)


async def _keys_below(tx: BarrierTransaction, prefix: str) -> list[str]:
    found: list[str] = []
    while page := await tx.scan(prefix, found[-1] if found else ""):
        found += page
    return found


def _lease(entry: TokenEntry) -> LeaseEntry:
    return LeaseEntry(
        id=entry.lease,
        path=entry.path,
        mount=entry.mount,
        token=entry.id,
        issued=entry.created,
        expires=entry.expires,
        due=entry.expires,
        ttl=entry.ttl,
        renewable=entry.renewable,
        is_token=True,
    )
