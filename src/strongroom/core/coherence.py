"""What a node keeps in memory of the store, and how it hears that another node changed it.

A store that several nodes share tells which keys others changed before any answer rests on what
was read earlier. What is derived from those keys (sessions, compiled policies, the mount table, the
keyring) is dropped at once, or loaded again before the next request goes on. ADR 0010.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from strongroom.barrier.keyring import KEYRING_KEY
from strongroom.core import bootstrap, mounts, policy_store, token_store
from strongroom.core.namespaces import areas, record
from strongroom.core.quotas import record as quotas
from strongroom.errors import IntegrityFailure, Sealed, StrongroomError
from strongroom.storage.contract import Shared

if TYPE_CHECKING:
    from strongroom.core.core import Core

log = logging.getLogger(__name__)

Drop = Callable[[str], None]
Reload = Callable[[], Awaitable[None]]


class Coherence:
    """One node's memory. Whoever keeps something registers the keys it was made from."""

    def __init__(self, storage: Shared) -> None:
        self._storage = storage
        self._drops: list[tuple[str, Drop]] = []
        self._reloads: list[tuple[str, Reload]] = []
        self._stale: dict[Reload, int] = {}
        self._changes = 0
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        storage.watch(self._heard)

    def dropping(self, prefix: str, drop: Drop) -> None:
        """Call `drop` with what follows `prefix` in a changed key; with nothing for every such key."""
        self._drops.append((prefix, drop))

    def reloading(self, prefix: str, reload: Reload) -> None:
        """Before the next request, after a key that starts with `prefix` changed, call `reload`."""
        self._reloads.append((prefix, reload))

    async def fresh(self) -> int:
        """Be up to date with every change so far; return a moment to begin transactions at.

        Raises Unavailable, when nothing can be said about the present.
        """
        moment = await self._storage.fresh()
        if self._stale:
            await self.caught_up()
        return moment

    async def caught_up(self) -> None:
        """Load again what has changed."""
        while self._stale:
            async with self._turn:
                await self._load_first()

    async def _load_first(self) -> None:
        if not self._stale:
            return
        reload, heard = next(iter(self._stale.items()))
        with suppress(Sealed):  # unsealing loads it
            await reload()
        # Changed again meanwhile, it is stale still; had it failed, it would be too.
        if self._stale.get(reload) == heard:
            del self._stale[reload]

    def _heard(self, keys: Sequence[str] | None) -> None:
        for prefix, drop in self._drops:
            for rest in _below(prefix, keys):
                drop(rest)
        for prefix, reload in self._reloads:
            if any(True for _ in _below(prefix, keys)):
                self._changes += 1
                self._stale[reload] = self._changes
        if self._stale and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._ahead())

    async def _ahead(self) -> None:
        """Do not wait for a request: a node may have none."""
        with suppress(StrongroomError):  # what fails here is stale still, and fails the next request
            await self.caught_up()


def _below(prefix: str, keys: Sequence[str] | None) -> Iterable[str]:
    if keys is None:
        return ("",)
    return (key[len(prefix) :] for key in keys if key.startswith(prefix))


def attached(core: "Core") -> Coherence:
    """A core's coherence with its shared store, for what the core itself keeps."""
    shared = core.barrier.shared
    if shared is None:
        raise TypeError("the store belongs to this process alone")
    made = Coherence(shared)

    def forget(token: str) -> None:
        if token:
            core.tokens.forget(token)
        else:
            core.tokens.forget_all()

    made.dropping(f"{token_store.PREFIX}id/", forget)
    made.dropping(policy_store.PREFIX, lambda _: core.policies.changed())
    made.dropping(record.PREFIX, core.namespaces.forget_below)
    made.dropping(areas.SPACE, lambda rest: core.namespaces.forget(rest.partition("/")[0]))
    made.reloading(quotas.PREFIX, core.quotas.load)
    made.reloading(KEYRING_KEY, partial(_keyring, core))
    made.reloading(f"{bootstrap.PREFIX}{mounts.TABLE}", partial(_table, core))
    return made


async def _keyring(core: "Core") -> None:
    """Follow a rotation or a new root key; a sealed node learns that there is a keyring at all."""
    if core.barrier.sealed:
        core.initialized = core.initialized or await core.barrier.initialized()
        return
    try:
        await core.barrier.refresh()
    except IntegrityFailure as error:
        log.warning("this node cannot follow a change of the root key and seals itself: %s", error)
        await core.seal()


async def _table(core: "Core") -> None:
    if not core.barrier.sealed:
        core.root.adopt(await mounts.load(bootstrap.view(core.barrier.begin())))
