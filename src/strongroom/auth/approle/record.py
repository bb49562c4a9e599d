"""What the AppRole method stores.

`role/<name>` holds a Role, `role-id/<hash>` its name, `secret/<uid>/<hash>` a SecretId,
`accessor/<uid>/<hash>` that secret id's hash. Ids are kept as keyed hashes only; the
key is the mount's own. `uid` is the role's for its life, so a role made again under
the same name starts without secret ids.
"""

import re
import uuid
from typing import Any

from msgspec import Struct

from strongroom.clock import rfc3339
from strongroom.crypto.mac import hmac_sha256
from strongroom.crypto.random import random_bytes
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context
from strongroom.framework.token_fields import TokenSettings, shown

NEVER = "0001-01-01T00:00:00Z"
PAGE = 500
_HASH_KEY = "hash-key"
_NAME = re.compile(r"\w(?:[\w.-]{0,254}\w)?", re.ASCII)


class Role(Struct, frozen=True):
    """A role. Times in seconds; 0 uses means any number."""

    uid: str
    role_id: str
    token: TokenSettings = TokenSettings()
    bind_secret_id: bool = True
    secret_id_bound_cidrs: tuple[str, ...] = ()
    secret_id_num_uses: int = 0
    secret_id_ttl: int = 0
    local_secret_ids: bool = False


class RoleName(Struct, frozen=True):
    """Which role a role id belongs to."""

    name: str


class SecretId(Struct, frozen=True):
    """A secret id's facts. `expires` in seconds since the epoch, 0 never; `uses` left, 0 for any number."""

    accessor: str
    created: float
    updated: float
    ttl: int
    expires: float
    uses: int
    metadata: dict[str, str] = {}
    cidrs: tuple[str, ...] = ()
    token_bound_cidrs: tuple[str, ...] = ()

    def live(self, now: float) -> bool:
        """Whether it still opens anything."""
        return not self.expires or now < self.expires


class Accessor(Struct, frozen=True):
    """Which secret id an accessor stands for."""

    hash: str


def new_id() -> str:
    """A fresh id: 122 random bits in the form Vault's clients know."""
    return str(uuid.UUID(bytes=random_bytes(16), version=4))


def role_name(name: str) -> str:
    """The one form of a role's name: lower case. Raises InvalidRequest for what is no name."""
    canonical = name.lower()
    if not _NAME.fullmatch(canonical):
        raise InvalidRequest("a role name is up to 256 letters, digits, '_', '-' and '.'")
    return canonical


async def find_role(ctx: Context, name: str) -> Role | None:
    """The role of that name."""
    return await ctx.storage.find(f"role/{role_name(name)}", Role)


async def existing_role(ctx: Context, name: str) -> Role:
    """The role of that name. Raises NotFound."""
    role = await find_role(ctx, name)
    if role is None:
        raise NotFound(f"role '{role_name(name)}' does not exist")
    return role


async def hashed(ctx: Context, *parts: str) -> str:
    """The storage name of an id: a digest keyed by the mount, over parts that cannot run together."""
    key = await ctx.storage.find_bytes(_HASH_KEY)
    if key is None:
        raise NotFound("the mount has no hash key")
    message = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
    return hmac_sha256(key, message).hex()


def make_hash_key(ctx: Context) -> None:
    """Give a new mount its key."""
    ctx.storage.put_bytes(_HASH_KEY, random_bytes(32))


async def role_id_key(ctx: Context, role_id: str) -> str:
    """Where a role id's owner is."""
    return f"role-id/{await hashed(ctx, 'role-id', role_id)}"


async def secret_key(ctx: Context, role: Role, secret_id: str) -> str:
    """Where a secret id's facts are."""
    return f"secret/{role.uid}/{await hashed(ctx, 'secret-id', role.uid, secret_id)}"


async def accessor_key(ctx: Context, role: Role, accessor: str) -> str:
    """Where an accessor's secret id is named."""
    return f"accessor/{role.uid}/{await hashed(ctx, 'accessor', role.uid, accessor)}"


async def remove_secret(ctx: Context, role: Role, key: str, secret: SecretId) -> None:
    """Remove a secret id with its accessor."""
    ctx.storage.delete(key)
    ctx.storage.delete(await accessor_key(ctx, role, secret.accessor))


def role_facts(role: Role) -> dict[str, Any]:
    """A role as a read answers it."""
    return {
        "bind_secret_id": role.bind_secret_id,
        "local_secret_ids": role.local_secret_ids,
        "secret_id_bound_cidrs": role.secret_id_bound_cidrs or None,
        "secret_id_num_uses": role.secret_id_num_uses,
        "secret_id_ttl": role.secret_id_ttl,
        **shown(role.token),
    }


def secret_facts(secret: SecretId) -> dict[str, Any]:
    """A secret id as a lookup answers it."""
    return {
        "cidr_list": secret.cidrs,
        "creation_time": rfc3339(secret.created),
        "expiration_time": rfc3339(secret.expires) if secret.expires else NEVER,
        "last_updated_time": rfc3339(secret.updated),
        "metadata": secret.metadata,
        "secret_id_accessor": secret.accessor,
        "secret_id_num_uses": secret.uses,
        "secret_id_ttl": secret.ttl,
        "token_bound_cidrs": secret.token_bound_cidrs,
    }
