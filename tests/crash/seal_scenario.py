"""The child process of the seals' crash tests: a store goes from seal to seal, one acknowledged step after another.

Run as `python -m tests.crash.seal_scenario DIRECTORY CHECKPOINT_BYTES`. The key files `one.key` and
`two.key` lie beside DIRECTORY, which a crash does not reach. Each change of the shares is printed.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.barrier.seal.auto.keyfile import KeyFileSeal
from strongroom.barrier.seal.rekey import Rekey
from strongroom.barrier.seal.sealing import Backend, Sealing
from strongroom.barrier.seal.tending import Tending
from strongroom.barrier.seal.unseal import Unsealer, initialize
from strongroom.clock import FakeClock
from strongroom.storage import writer
from strongroom.storage.sqlite import SqliteStorage
from tests.crash.scenario import seed_randomness


def seal(directory: Path, name: str, *, disabled: bool = False) -> Backend:
    """The seal of a key file beside the store's directory."""
    return Backend(name, KeyFileSeal(directory.parent / f"{name}.key"), disabled)


class Life:
    """The steps, and the shares in force, of one store."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.acks = os.open(directory / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.storage = SqliteStorage(directory / "store")
        self.shares: list[bytes] = []

    def sealing(self, *names: str, disabled: bool = False) -> Sealing:
        return Sealing(*(seal(self.directory, name, disabled=disabled) for name in names))

    async def opened(self, sealing: Sealing) -> Barrier:
        barrier = Barrier(self.storage, FakeClock())
        await Unsealer(self.storage, barrier, sealing).open()
        return barrier

    async def init(self) -> None:
        async def populate(tx: BarrierTransaction) -> None:
            tx.put("entry", b"kept")

        barrier = Barrier(self.storage, FakeClock())
        self.shares = await initialize(self.storage, barrier, 3, 2, populate, self.sealing("one"))

    async def add(self) -> None:
        await self._tend(anew=False)

    async def rewrap(self) -> None:
        await self._tend(anew=True)

    async def _tend(self, *, anew: bool) -> None:
        both = self.sealing("one", "two")
        await Tending(self.storage, await self.opened(both), both, FakeClock()).tend(anew=anew)

    async def rekey(self) -> None:
        both = self.sealing("one", "two")
        ceremony = Rekey(self.storage, await self.opened(both), both)
        nonce = (await ceremony.start(3, 2, rotate_root=True)).nonce
        new: list[bytes] = []
        for part in self.shares[:2]:
            new = await ceremony.submit(part, nonce)
        self.shares = new

    async def to_shares(self) -> None:
        await self._move(self.sealing("one", "two", disabled=True))

    async def to_a_seal(self) -> None:
        await self._move(self.sealing("two"))

    async def _move(self, sealing: Sealing) -> None:
        unsealer = Unsealer(self.storage, Barrier(self.storage, FakeClock()), sealing)
        for part in self.shares[:2]:
            await unsealer.submit(part, migrate=True)

    def steps(self) -> list[Callable[[], Awaitable[None]]]:
        return [self.init, self.add, self.rewrap, self.rekey, self.to_shares, self.to_a_seal]


async def live(directory: Path) -> None:
    """Take every step and print the shares that were in force after each change of them."""
    life = Life(directory)
    before: list[bytes] = []
    for step in life.steps():
        await step()
        if life.shares != before:
            before = life.shares
            print(*(part.hex() for part in before), flush=True)
        os.write(life.acks, b".")
    await life.storage.close()


if __name__ == "__main__":
    seed_randomness()
    writer._CHECKPOINT_BYTES = int(sys.argv[2])
    asyncio.run(live(Path(sys.argv[1])))
