"""Who is behind a request: the name that timelines show, and whose authority it goes back to."""

from typing import NamedTuple

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core import token_store
from strongroom.framework import Caller

BY_TOKEN = "auth/token/"
ROOT = "auth/token/root"
MAX_GENERATIONS = 64


class Actor(NamedTuple):
    """`name` for people; `authority` is the same for all tokens that come from one login, "" if unknown."""

    name: str
    authority: str = ""


SYSTEM = Actor("system", "system")


async def actor(tx: BarrierTransaction, caller: Caller) -> Actor:
    """Who the caller is. Tokens made by tokens are traced back to the login at their beginning."""
    return Actor(name_of(caller), await _authority(tx, caller))


def name_of(caller: Caller) -> str:
    """The entity, else the login's name with the role if any: as the inventory names readers."""
    if caller.entity_id:
        return caller.entity_id
    role = caller.metadata.get("role_name") if caller.metadata else None
    return f"{caller.display_name}:{role}" if role else caller.display_name


async def _authority(tx: BarrierTransaction, caller: Caller) -> str:
    token = caller.id
    for _ in range(MAX_GENERATIONS):
        if caller.entity_id:
            return f"entity {caller.entity_id}"
        if caller.path == ROOT:
            return "root"
        if not caller.path.startswith(BY_TOKEN):
            return f"login {caller.path} {name_of(caller)}"
        entry = await token_store.find(tx, token)
        above = await token_store.find(tx, entry.parent) if entry and entry.parent else None
        if above is None:
            return ""
        token, caller = above.id, above.caller()
    return ""
