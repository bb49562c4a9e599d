"""From an empty store to an open one: the system's own mounts, keys, policies and the first root token."""

import hmac
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core import keys, mounts
from strongroom.core.token_entry import TokenEntry
from strongroom.core.token_format import random_text
from strongroom.errors import IntegrityFailure, Sealed
from strongroom.framework import Mount
from strongroom.sensitive import Sensitive

if TYPE_CHECKING:
    from strongroom.core.core import Core

PREFIX = "core/"
LOG_NAME = "audit log"
CLUSTER = "cluster"
_SYSTEM = {
    "sys/": ("system", "system endpoints used for control, policy and debugging"),
    "cubbyhole/": ("cubbyhole", "per-token private secret storage"),
    "auth/token/": ("token", "token based credentials"),
}
SYSTEM_MOUNTS = {
    path: Mount(path=path, kind=kind, uuid=kind, accessor=f"{kind}_strongroom", description=description)
    for path, (kind, description) in _SYSTEM.items()
}


class Cluster(Struct, frozen=True):
    """What this store calls itself to clients."""

    id: str
    name: str


class _Closed:
    """Stands in for a transaction while the barrier is sealed: nothing can be read or written."""

    dirty = False

    async def get(self, key: str) -> bytes | None:
        raise Sealed("the barrier is sealed")

    async def scan(self, prefix: str, after: str = "", limit: int = 1000) -> list[str]:
        raise Sealed("the barrier is sealed")

    def put(self, key: str, value: bytes) -> None:
        raise Sealed("the barrier is sealed")

    def delete(self, key: str) -> None:
        raise Sealed("the barrier is sealed")

    async def commit(self) -> None:
        raise Sealed("the barrier is sealed")


CLOSED = cast("BarrierTransaction", _Closed())


def view(tx: BarrierTransaction) -> View:
    """The core's own part of the barrier."""
    return View(tx, PREFIX)


def populate(core: "Core", tx: BarrierTransaction, root_token: str = "") -> Sensitive[str]:
    """Fill a new store in the transaction that initialises it; returns the first root token."""
    core.tokens.open(keys.create(view(tx)))
    mounts.save(view(tx), SYSTEM_MOUNTS)
    view(tx).put(CLUSTER, Cluster(str(uuid4()), f"strongroom-{random_text(8).lower()}"))
    core.policies.install_defaults(tx)
    token = issue_root(core, tx, root_token)
    core.tokens.close()
    return token


def issue_root(core: "Core", tx: BarrierTransaction, text: str = "") -> Sensitive[str]:
    """A new root token: no expiry, no parent."""
    entry = TokenEntry(
        id="",
        accessor="",
        policies=("root",),
        path="auth/token/root",
        display_name="root",
        created=core.clock.now(),
        renewable=False,
        mount=SYSTEM_MOUNTS["auth/token/"].uuid,
    )
    return core.tokens.issue(tx, entry, text)


async def upkeep(core: "Core") -> None:
    """Now and then: keep the time and the count of encryptions, rotate the key long before it is worn."""
    await core.timekeeper.look()
    await core.barrier.record_encryptions()
    if core.barrier.key_status.rotation_due:
        await core.barrier.rotate()


async def load(core: "Core") -> None:
    """Take keys and mounts from the open barrier."""
    tx = core.barrier.begin()
    held = await view(tx).find(keys.KEY, keys.Keys)
    if held is None:
        raise IntegrityFailure("the store holds no core keys: its initialisation did not finish")
    core.tokens.open(held)
    core.auditing.open(held.audit)
    core.policies.changed()
    core.root.adopt(await mounts.load(view(tx)))
    cluster = await view(tx).get(CLUSTER, Cluster)
    core.cluster = {"cluster_name": cluster.name, "cluster_id": cluster.id}
    await core.auditing.log.set_signer(Ed25519PrivateKey.from_private_bytes(_log_key(core, held)))


def _log_key(core: "Core", held: keys.Keys) -> bytes:
    """The key that signs this node's log: of a store's nodes each has a log, and a key, of its own."""
    name = str(core.services.get(LOG_NAME, ""))
    return hmac.digest(held.checkpoint, name.encode(), "sha256") if name else held.checkpoint
