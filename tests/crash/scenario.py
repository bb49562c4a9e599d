"""The child process of the crash tests: a short life of a store, one acknowledged step after another.

Run as `python -m tests.crash.scenario DIRECTORY CHECKPOINT_BYTES`. Each step that
returned is acknowledged by a byte written to DIRECTORY/acks. Keys and shares are
drawn from a seed, so every run makes the same ones.
"""

import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.barrier.seal.rekey import Rekey
from strongroom.barrier.seal.unseal import Unsealer, initialize
from strongroom.clock import FakeClock
from strongroom.crypto import random as crypto_random
from strongroom.crypto import shamir
from strongroom.storage import writer
from strongroom.storage.contract import StorageFull
from strongroom.storage.sqlite import SqliteStorage

Entries = dict[str, bytes]
Change = dict[str, bytes | None]

CHANGES: list[Change] = [
    {"kv/a": b"1" * 300},
    {"kv/b": b"2" * 9000, "kv/a": b"again"},
    {"kv/b": None},
    {"policy/p": b"path"},
    {"policy/p": b"another path"},
    {"token/t": b"t", "lease/1": b"l", "index/1": b"i"},
    {"token/t": None, "lease/1": None, "index/1": None, "revoked/t": b"r"},
]
REKEYS = [(2, 2, False), (3, 2, True)]
FIRST: Entries = {"token/root": b"root"}


def seed_randomness() -> None:
    """Make keys and shares the same in each run; nonces stay random."""
    seeded = random.Random(20)
    setattr(crypto_random, "urandom", seeded.randbytes)  # noqa: B010  # mypy knows the names are not ours
    setattr(shamir, "SystemRandom", lambda: seeded)  # noqa: B010


class Life:
    """The steps, and the shares in force, of one store."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.acks = os.open(directory / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def open(self) -> None:
        self.storage = SqliteStorage(self.directory / "store")
        self.barrier = Barrier(self.storage, FakeClock())

    async def acknowledge(self) -> None:
        try:
            os.write(self.acks, b".")
        except OSError as error:
            raise StorageFull from error

    async def init(self) -> None:
        async def populate(tx: BarrierTransaction) -> None:
            for key, value in FIRST.items():
                tx.put(key, value)

        self.shares = await initialize(self.storage, self.barrier, 3, 2, populate)

    async def unseal(self) -> None:
        unsealer = Unsealer(self.storage, self.barrier)
        for part in self.shares[:2]:
            await unsealer.submit(part)

    def change(self, entries: Change) -> Callable[[], Awaitable[object]]:
        async def step() -> None:
            tx = self.barrier.begin()
            for key, value in entries.items():
                await tx.get(key)
                if value is None:
                    tx.delete(key)
                else:
                    tx.put(key, value)
            await tx.commit()

        return step

    def rekey(self, shares: int, threshold: int, rotate_root: bool) -> Callable[[], Awaitable[object]]:
        async def step() -> None:
            ceremony = Rekey(self.storage, self.barrier)
            nonce = (await ceremony.start(shares, threshold, rotate_root=rotate_root)).nonce
            new: list[bytes] = []
            for part in self.shares[:2]:
                new = await ceremony.submit(part, nonce)
            self.shares = new

        return step

    def steps(self) -> list[Callable[[], Awaitable[object]]]:
        changes = [self.change(entries) for entries in CHANGES]
        first, second = (self.rekey(*numbers) for numbers in REKEYS)
        rotate = [self.barrier.rotate]
        return [
            self.init,
            self.unseal,
            *changes[:3],
            *rotate,
            *changes[3:5],
            first,
            *changes[5:],
            *rotate,
            second,
        ]


async def insist(step: Callable[[], Awaitable[object]]) -> None:
    """Repeat a step while the disk is full, as a client would."""
    for _ in range(200):
        try:
            await step()
        except StorageFull:
            continue
        return


async def live(directory: Path) -> None:
    """Take every step and print the shares that were in force after each change of them."""
    life = Life(directory)
    await insist(life.open)
    before: list[bytes] = []
    for step in life.steps():
        await insist(step)
        if life.shares != before:
            before = life.shares
            print(*(part.hex() for part in before), flush=True)
        await insist(life.acknowledge)
    await life.storage.close()


if __name__ == "__main__":
    seed_randomness()
    writer._CHECKPOINT_BYTES = int(sys.argv[2])
    asyncio.run(live(Path(sys.argv[1])))
