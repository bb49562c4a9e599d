"""What findings ask of the vault: which secret a value is, whether it is in use, what is known of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import structs

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.core import Core
from strongroom.engines.kv.record import Key, Version
from strongroom.findings.record import Held
from strongroom.framework import Mount
from strongroom.inventory import secrets
from strongroom.rotation import plan_for
from strongroom.rotation import record as rotations

LOOKED_AT = 200

Matches = Callable[[BarrierTransaction, Sequence[str]], Awaitable[list[Held]]]
Facts = Callable[[BarrierTransaction, str, str], Awaitable[Mapping[str, str]]]
Readers = Callable[[BarrierTransaction, Held], Awaitable[Mapping[str, float]]]


class Vault:
    """The inventory's answers, and the key-value engines' records."""

    def __init__(self, core: Core, matches: Matches, facts: Facts, readers: Readers) -> None:
        self._core = core
        self.matches = matches
        self._facts = facts
        self._readers = readers

    def mount(self, held: Held) -> Mount | None:
        """The mount of a reference, wherever it was moved; None when it is no more."""
        if not held.mount_uuid:
            return self._core.mounts.get(held.mount)
        return next((mount for mount in self._core.mounts.values() if mount.uuid == held.mount_uuid), None)

    def _placed(self, held: Held) -> Held:
        """The reference by the path that its mount has now."""
        mount = self.mount(held)
        return structs.replace(held, mount=mount.path) if mount else held

    async def facts(self, tx: BarrierTransaction, held: Held) -> Mapping[str, str]:
        """The inventory's facts of a secret that are set."""
        placed = self._placed(held)
        return await self._facts(tx, placed.mount, placed.path)

    async def readers(self, tx: BarrierTransaction, held: Held) -> Mapping[str, float]:
        """Who read it, with the time of the last read."""
        return await self._readers(tx, self._placed(held))

    async def key(self, tx: BarrierTransaction, held: Held) -> Key | None:
        """The record of a key-value secret, None when there is none."""
        mount = self.mount(held)
        if held.kind != "kv" or mount is None or mount.kind != secrets.KIND:
            return None
        return await secrets.find(tx, mount, held.path)

    async def version(self, tx: BarrierTransaction, held: Held) -> Version | None:
        """The record of the version that leaked; None when there is none any more."""
        key = await self.key(tx, held)
        version = key.versions.get(held.version) if key else None
        return version if version and held.created in ("", version.created) else None

    async def life(self, tx: BarrierTransaction, held: Held, seen: float) -> tuple[float, float]:
        """When an issued credential seen at `seen` came, and when its successor did; 0 if unknown."""
        plan = await plan_for(tx, held)
        if plan is None:
            return 0.0, 0.0
        rows = rotations.view(tx)
        prefix = f"history/{plan}/"
        keys = await rows.keys(prefix, limit=LOOKED_AT)
        runs = [await rotations.find_run(rows, key.removeprefix(prefix)) for key in keys]
        out = sorted(run.published for run in runs if run.published)
        before = [moment for moment in out if moment <= seen]
        after = [moment for moment in out if moment > seen]
        return before[-1] if before else 0.0, after[0] if after else 0.0

    async def in_use(self, tx: BarrierTransaction, held: Held, now: float) -> bool:
        """Whether the vault still gives this value out."""
        if held.kind != "kv":
            return True
        if not held.version:
            return await self.key(tx, held) is not None
        version = await self.version(tx, held)
        return version is not None and not version.gone(now)
