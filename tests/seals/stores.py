"""A store under one set of seals or another, and whether it opens as a fresh process would find it."""

import os
from collections.abc import Sequence
from pathlib import Path

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.auto.keyfile import KeyFileSeal
from strongroom.barrier.seal.sealing import Backend, Sealing
from strongroom.barrier.seal.state import SealState, stored_state
from strongroom.barrier.seal.tending import Tending
from strongroom.barrier.seal.unseal import Unsealer, initialize
from strongroom.clock import FakeClock
from strongroom.errors import StrongroomError
from strongroom.storage.contract import StorageFull
from strongroom.storage.memory import MemoryStorage
from strongroom.storage.optimistic import Writes


class FullStorage(MemoryStorage):
    """Has room for so many more commits."""

    room = 1_000_000

    async def apply(self, writes: Writes) -> None:
        if self.room == 0:
            raise StorageFull("full")
        self.room -= 1
        await super().apply(writes)


def key_file_seal(directory: Path, name: str) -> Backend:
    """A seal by a key file of its own."""
    path = directory / f"{name}.key"
    if not path.exists():
        path.write_bytes(os.urandom(32))
        path.chmod(0o600)
    return Backend(name, KeyFileSeal(path))


def off(backend: Backend) -> Backend:
    """The seal with `disabled = true`."""
    return Backend(backend.name, backend.seal, disabled=True)


class Store:
    """Holds one entry; `shares` are key shares or recovery keys, two of three."""

    def __init__(self) -> None:
        self.storage = FullStorage()
        self.clock = FakeClock()
        self.shares: list[bytes] = []

    def barrier(self) -> Barrier:
        return Barrier(self.storage, self.clock)

    async def make(self, *backends: Backend) -> None:
        """Initialise under these seals."""
        sealing = Sealing(*backends)
        self.shares = await initialize(self.storage, self.barrier(), 3, 2, None, sealing)
        barrier = await (self.open(sealing) if backends else self.unseal(sealing))
        tx = barrier.begin()
        tx.put("entry", b"kept")
        await tx.commit()

    async def open(self, sealing: Sealing) -> Barrier:
        """Open by key services alone."""
        barrier = self.barrier()
        await Unsealer(self.storage, barrier, sealing).open()
        return barrier

    async def unseal(self, sealing: Sealing, *, migrate: bool = False) -> Barrier:
        """Open by a quorum."""
        barrier = self.barrier()
        unsealer = Unsealer(self.storage, barrier, sealing)
        for part in self.shares[1:]:
            await unsealer.submit(part, migrate=migrate)
        return barrier

    async def opens(self, *backends: Backend) -> bool:
        """Whether a server with these seals opens the store, without people where it has any."""
        sealing = Sealing(*backends)
        try:
            barrier = await (self.open(sealing) if backends else self.unseal(sealing))
            return await barrier.begin().get("entry") == b"kept"
        except StrongroomError:
            return False

    async def tended(self, *backends: Backend) -> Tending:
        """A server with these seals that has opened the store and looked after them."""
        sealing = Sealing(*backends)
        tending = Tending(self.storage, await self.open(sealing), sealing, self.clock)
        await tending.tend()
        return tending

    async def state(self) -> SealState:
        return await stored_state(self.storage.begin())

    async def names(self) -> Sequence[str]:
        """Who holds the root key."""
        return [one.name for one in (await self.state()).held]
