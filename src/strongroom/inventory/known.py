"""Answers about known values and secrets for the floors above: what a found value is, who reads it."""

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core import token_store
from strongroom.framework import Mount
from strongroom.inventory import catalog, references, secrets
from strongroom.inventory.fingerprints import ID_BYTES, Value
from strongroom.inventory.indexing import AREA
from strongroom.inventory.references import Reference
from strongroom.inventory.usage import Gathered, Identity, Usage
from strongroom.scanner.known.blinding import PROOF_BYTES

_HEX = re.compile(f"[0-9a-f]{{{2 * (ID_BYTES + PROOF_BYTES)}}}")
_PRINT = re.compile(r"[0-9a-f]{32}")


class Consumer(NamedTuple):
    """Who reads a secret: the newest version they fetched, and when they last read any.

    `kind` is `entity`, or `login` where the name is that of a login.
    """

    name: str
    version: int
    last_read: float
    kind: str


def split(row: str) -> tuple[str, bytes] | None:
    """The id and the proof in hex of both together, None when it is not that."""
    if not _HEX.fullmatch(row):
        return None
    return row[: 2 * ID_BYTES], bytes.fromhex(row[2 * ID_BYTES :])


async def matches(
    tx: BarrierTransaction, mounts: Sequence[Mount], known: Sequence[str], now: float
) -> list[Reference]:
    """What found values are, by the names and proofs that a scanner reports; what is not live falls away."""
    found: dict[Reference, None] = {}
    for row in known:
        token_found = await token(tx, row, now)
        found |= {token_found: None} if token_found else {}
        id, proof = split(row) or ("", b"")
        value = await View(tx, AREA).find(f"value/{id}", Value) if id else None
        if value is None or not hmac.compare_digest(value.holding, proof):
            continue
        for owner, names in value.owners.items():
            found |= dict.fromkeys(await references.live(tx, mounts, owner, names, now))
    return list(found)


async def token(tx: BarrierTransaction, fingerprint: str, now: float) -> Reference | None:
    """The token with this fingerprint, None when there is none that is good."""
    entry = await token_store.by_fingerprint(tx, fingerprint) if _PRINT.fullmatch(fingerprint) else None
    if entry is None or 0 < entry.expires <= now or entry.num_uses < 0:
        return None
    return Reference("auth/token/", entry.accessor, kind="token")


async def facts(tx: BarrierTransaction, mount: Mount, path: str) -> Mapping[str, str]:
    """A secret's facts that are set: owner, purpose, environment, classification, lifespan, consumers."""
    key = await secrets.find(tx, mount, path) if mount.kind == secrets.KIND else None
    custom = (key.custom if key else None) or {}
    return {name: custom[name] for name in catalog.FACTS if custom.get(name)}


async def usage(tx: BarrierTransaction, gathered: Gathered, mount: Mount, path: str) -> Usage:
    """Who read a secret, those included that are not written down yet."""
    stored = await View(tx, AREA).find(f"usage/{mount.uuid}/{path}", Usage) or Usage()
    return gathered.added_to(stored, mount.uuid, path)


async def consumers(tx: BarrierTransaction, gathered: Gathered, mount: Mount, path: str) -> list[Consumer]:
    """Everyone who was seen reading a secret."""
    found = []
    for name, reader in (await usage(tx, gathered, mount, path)).readers.items():
        identity = await View(tx, AREA).find(f"identity/{name}", Identity)
        kind = "entity" if identity is not None and identity.entity else "login"
        found.append(Consumer(name, max(reader.versions, default=0), reader.last, kind))
    return found
