"""Tidying: index entries whose target is gone, and leases of mounts that are gone."""

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core import leases, token_store
from strongroom.core.core import Core
from strongroom.core.leases import LeaseEntry
from strongroom.storage.contract import Conflict

PAGE = 500


async def tidy_tokens(house: Core) -> int:
    """Remove accessor and parent entries that lead to no token; returns how many."""
    removed = 0
    for prefix in ("accessor/", "parent/"):
        after = ""
        while True:
            tx = house.barrier.begin()
            tokens = token_store.view(tx)
            page = await tokens.keys(prefix, after, PAGE)
            if not page:
                break
            after = page[-1]
            stale = [key for key in page if not await _leads_to_token(tokens, key)]
            for key in stale:
                tokens.delete(key)
            removed += await _commit(tx, len(stale))
    return removed


async def _leads_to_token(tokens: View, key: str) -> bool:
    kind, _, rest = key.partition("/")
    if kind == "accessor":
        name = await tokens.find_bytes(key)
        return name is not None and await tokens.find_bytes(f"id/{name.decode()}") is not None
    return await tokens.find_bytes(f"id/{rest.rpartition('/')[2]}") is not None


async def tidy_leases(house: Core) -> int:
    """Remove due and token entries that lead to no lease; returns how many."""
    removed = 0
    for prefix in ("due/", "token/"):
        after = ""
        while True:
            tx = house.barrier.begin()
            expire = leases.view(tx)
            page = await expire.keys(prefix, after, PAGE)
            if not page:
                break
            after = page[-1]
            stale = [
                key for key in page if await expire.find(f"id/{key.split('/', 2)[2]}", LeaseEntry) is None
            ]
            for key in stale:
                expire.delete(key)
            removed += await _commit(tx, len(stale))
    return removed


async def _commit(tx: BarrierTransaction, stale: int) -> int:
    """A page that changed meanwhile is left for the next run."""
    try:
        await tx.commit()
    except Conflict:
        return 0
    return stale
