"""What is known of each secret, joined from the engine's record and the usage."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.clock import rfc3339
from strongroom.engines.kv.record import Key
from strongroom.errors import InvalidRequest
from strongroom.framework import Mount
from strongroom.framework.wire import seconds
from strongroom.inventory import secrets
from strongroom.inventory.indexing import AREA
from strongroom.inventory.usage import Usage

FACTS = ("owner", "purpose", "environment", "classification", "lifespan", "consumers")
"""Keys of a secret's custom metadata that the inventory reads."""


class Entry(Struct, frozen=True, kw_only=True):
    """One secret. Times are seconds since the epoch, 0 for never; `lifespan` is in seconds."""

    path: str
    facts: dict[str, str]
    version: int
    rotated: float
    lifespan: int
    deleted_at: float
    usage: Usage

    @property
    def expires(self) -> float:
        """When it has outlived its lifespan or is deleted by itself, whichever comes first; 0 for never."""
        ends = [self.rotated + self.lifespan] if self.lifespan and self.rotated else []
        return min([*ends, *([self.deleted_at] if self.deleted_at else [])], default=0.0)

    def shown(self, now: float) -> dict[str, Any]:
        """As the listings answer it."""
        readers = self.usage.readers
        return {
            "path": self.path,
            **{name: self.facts.get(name, "") for name in FACTS},
            "version": self.version,
            "last_rotation": _time(self.rotated),
            "age_days": int((now - self.rotated) // 86400) if self.rotated else None,
            "expires": _time(self.expires),
            "last_read": _time(self.usage.last),
            "reads": sum(reader.count for reader in readers.values()),
            "readers": sorted(readers),
        }


async def entry(tx: BarrierTransaction, mount: Mount, path: str) -> Entry | None:
    """One secret's entry, None when there is none or its current version is gone for good."""
    key = await secrets.find(tx, mount, path)
    if key is None:
        return None
    usage = await View(tx, AREA).find(f"usage/{mount.uuid}/{path}", Usage) or Usage()
    facts = {name: value for name, value in (key.custom or {}).items() if name in FACTS}
    latest = key.latest
    return Entry(
        path=mount.path + path,
        facts=facts,
        version=key.current,
        rotated=_epoch(latest.created) if latest else 0.0,
        lifespan=_lifespan(key),
        deleted_at=latest.deletion if latest else 0.0,
        usage=usage,
    )


async def every(tx: BarrierTransaction, mounts: list[Mount], after: str = "") -> AsyncIterator[Entry]:
    """The entries of all mounts in the order of their paths, those after a whole path."""
    for mount in mounts:
        if after and mount.path < after and not after.startswith(mount.path):
            continue
        inner = after[len(mount.path) :] if after.startswith(mount.path) else ""
        async for path in secrets.every(tx, mount, inner):
            found = await entry(tx, mount, path)
            if found is not None:
                yield found


def _lifespan(key: Key) -> int:
    """The seconds in the `lifespan` fact; 0 when there is none or it reads as nothing."""
    with suppress(InvalidRequest):
        return seconds((key.custom or {}).get("lifespan", ""))
    return 0


def _epoch(stamp: str) -> float:
    from datetime import datetime  # noqa: PLC0415 (for listings only)

    return datetime.fromisoformat(stamp).timestamp()


def _time(at: float) -> str | None:
    return rfc3339(at) if at else None
