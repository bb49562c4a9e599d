"""What findings ask of the vault: which secret a value is, whether it is in use, what is known of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.core import Core
from strongroom.engines.kv.record import Key
from strongroom.findings.record import Held
from strongroom.framework import Mount
from strongroom.inventory import secrets

Matches = Callable[[BarrierTransaction, Sequence[str]], Awaitable[list[Held]]]
Facts = Callable[[BarrierTransaction, str, str], Awaitable[Mapping[str, str]]]
Readers = Callable[[BarrierTransaction, Held], Awaitable[Mapping[str, float]]]


class Vault:
    """The inventory's answers, and the key-value engines' records."""

    def __init__(self, core: Core, matches: Matches, facts: Facts, readers: Readers) -> None:
        self._core = core
        self.matches = matches
        self.facts = facts
        self.readers = readers

    def mount(self, held: Held) -> Mount | None:
        """The mount of a reference, None when it is no more."""
        return self._core.mounts.get(held.mount)

    async def key(self, tx: BarrierTransaction, held: Held) -> Key | None:
        """The record of a key-value secret, None when there is none."""
        mount = self.mount(held)
        if held.kind != "kv" or mount is None or mount.kind != secrets.KIND:
            return None
        return await secrets.find(tx, mount, held.path)

    async def in_use(self, tx: BarrierTransaction, held: Held, now: float) -> bool:
        """Whether the vault still gives this value out."""
        if held.kind != "kv":
            return True
        key = await self.key(tx, held)
        if key is None or not held.version:
            return key is not None
        version = key.versions.get(held.version)
        return version is not None and not version.gone(now)
