"""The operator's ceremonies of one server, joined to its core: unseal, rekey, root generation."""

import asyncio
from dataclasses import dataclass

from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.barrier.seal.generate_root import GenerateRoot
from strongroom.barrier.seal.rekey import Rekey
from strongroom.barrier.seal.state import Seal
from strongroom.barrier.seal.unseal import Unsealer, UnsealStatus, initialize
from strongroom.core import bootstrap
from strongroom.core.core import Core
from strongroom.core.token_format import LENGTH
from strongroom.sensitive import Sensitive
from strongroom.storage.contract import Storage
from strongroom.system.pgp import Hiding


@dataclass(frozen=True, slots=True)
class Permissions:
    """Which ceremonies need no token. All off unless the configuration file says so."""

    unauthenticated_rekey: bool = False
    unauthenticated_generate_root: bool = False


class Ceremonies:
    """Progress of ceremonies is kept in memory only. `due`: the key service is to open the store."""

    def __init__(
        self, core: Core, storage: Storage, barrier: Barrier, kind: str, service: Seal | None = None
    ) -> None:
        self.core = core
        self.storage_kind = kind
        self.unsealer = Unsealer(storage, barrier, service)
        self.rekey = Rekey(storage, barrier, service)
        self.generate_root = GenerateRoot(storage, barrier, self._issue_root, LENGTH, service)
        self.rekey_hiding: Hiding | None = None
        self.root_hiding: Hiding | None = None
        self.due = asyncio.Event()
        if service is not None and core.initialized:
            self.due.set()
        self._service = service
        self._opening = asyncio.Lock()
        self._storage = storage
        self._barrier = barrier
        core.closers.append(self.forget)

    def forget(self) -> None:
        """Drop every share handed in so far; called at seal."""
        self.unsealer.reset()
        self.rekey.cancel()
        self.generate_root.cancel()
        self.rekey_hiding = self.root_hiding = None

    async def initialize(self, shares: int, threshold: int, root_token: str = "") -> tuple[list[bytes], str]:
        """Create the store; returns the key shares and the root token, kept nowhere."""
        made: list[Sensitive[str]] = []

        async def populate(tx: BarrierTransaction) -> None:
            made.append(bootstrap.populate(self.core, tx, root_token))

        parts = await initialize(self._storage, self._barrier, shares, threshold, populate, self._service)
        self.core.initialized = True
        if self._service is not None:
            self.due.set()
        return parts, made[-1].reveal()

    async def unseal(self, part: bytes) -> UnsealStatus:
        """Take a share; with the last one the core takes up work."""
        async with self._opening:
            status = await self.unsealer.submit(part)
            if not status.sealed and self.core.sealed:
                await self.core.take_up()
        return status

    async def open(self) -> None:
        """Unseal by the key service. Raises as `Unsealer.open` does."""
        async with self._opening:
            if self.core.sealed:
                await self.unsealer.open()
                await self.core.take_up()

    async def _issue_root(self) -> str:
        tx = self._barrier.begin()
        token = bootstrap.issue_root(self.core, tx)
        await tx.commit()
        return token.reveal()
