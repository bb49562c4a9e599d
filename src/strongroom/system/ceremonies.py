"""The operator's ceremonies of one server, joined to its core: unseal, rekey, root generation."""

import asyncio
from dataclasses import dataclass

from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.barrier.seal.generate_root import GenerateRoot
from strongroom.barrier.seal.rekey import Rekey
from strongroom.barrier.seal.sealing import Sealing
from strongroom.barrier.seal.tending import Tending
from strongroom.barrier.seal.unseal import Unsealer, UnsealStatus, initialize
from strongroom.core import bootstrap
from strongroom.core.core import Core
from strongroom.core.token_format import LENGTH
from strongroom.errors import InvalidRequest, UpstreamFailed
from strongroom.sensitive import Sensitive
from strongroom.storage.contract import Storage
from strongroom.system.pgp import Hiding


@dataclass(frozen=True, slots=True)
class Permissions:
    """Which ceremonies need no token. All off unless the configuration file says so."""

    unauthenticated_rekey: bool = False
    unauthenticated_generate_root: bool = False


class Ceremonies:
    """Progress of ceremonies is kept in memory only.

    `due`: key services are to open the store. `opened`: it is open, and they are to be looked after.
    """

    def __init__(
        self,
        core: Core,
        storage: Storage,
        barrier: Barrier,
        kind: str,
        sealing: Sealing | None = None,
        *,
        openpgp: bool = True,
    ) -> None:
        self.core = core
        self.storage_kind = kind
        self.sealing = sealing = sealing or Sealing()
        self.unsealer = Unsealer(storage, barrier, sealing)
        self.rekey = Rekey(storage, barrier, sealing)
        self.generate_root = GenerateRoot(storage, barrier, self._issue_root, LENGTH, sealing)
        self.tending = Tending(storage, barrier, sealing, core.clock)
        self.rekey_hiding: Hiding | None = None
        self.root_hiding: Hiding | None = None
        self.due = asyncio.Event()
        self.opened = asyncio.Event()
        if sealing.backends and (core.initialized or barrier.shared is not None):
            self.due.set()  # another node may initialise a shared store
        self._openpgp = openpgp
        self._opening = asyncio.Lock()
        self._storage = storage
        self._barrier = barrier
        core.closers.append(self.forget)
        core.openers.append(self._tell_opened)

    def forget(self) -> None:
        """Drop every share handed in so far; called at seal."""
        self.unsealer.reset()
        self.rekey.cancel()
        self.generate_root.cancel()
        self.rekey_hiding = self.root_hiding = None
        self.opened.clear()

    def check_openpgp(self, *keys: object) -> None:
        """Raise InvalidRequest when something is to be encrypted to OpenPGP keys and may not be."""
        if any(keys) and not self._openpgp:
            raise InvalidRequest("OpenPGP is no approved algorithm, and crypto.fips is set")

    async def initialize(self, shares: int, threshold: int, root_token: str = "") -> tuple[list[bytes], str]:
        """Create the store; returns the key shares and the root token, kept nowhere."""
        made: list[Sensitive[str]] = []

        async def populate(tx: BarrierTransaction) -> None:
            made.append(bootstrap.populate(self.core, tx, root_token))

        parts = await initialize(self._storage, self._barrier, shares, threshold, populate, self.sealing)
        self.core.initialized = True
        if self.sealing.automatic:
            self.due.set()
        return parts, made[-1].reveal()

    async def unseal(self, part: bytes, *, migrate: bool = False) -> UnsealStatus:
        """Take a share; with the last one the core takes up work."""
        async with self._opening:
            status = await self.unsealer.submit(part, migrate=migrate)
            if not status.sealed and self.core.sealed:
                await self.core.take_up()
        return status

    async def open(self) -> None:
        """Unseal by the key services. Raises as `Unsealer.open` does."""
        async with self._opening:
            if self.core.sealed:
                try:
                    await self.unsealer.open()
                finally:
                    self.tending.note_failures()
                await self.core.take_up()

    async def rewrap(self) -> None:
        """Wrap the root key anew by every key service.

        Raises UpstreamFailed when one does not, and InvalidRequest when there is none.
        """
        if not self.sealing.automatic:
            raise InvalidRequest("key shares open this store: there is no seal that wraps its root key")
        self.sealing.refused.clear()
        await self.tending.tend(anew=True)
        if not self.tending.well:
            raise UpstreamFailed("not every seal wraps the root key: see sys/seal-backend-status")

    async def _tell_opened(self) -> None:
        if self.sealing.automatic:
            self.opened.set()

    async def _issue_root(self) -> str:
        tx = self._barrier.begin()
        token = bootstrap.issue_root(self.core, tx)
        await tx.commit()
        return token.reveal()
