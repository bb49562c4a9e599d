"""Filling a store quickly: one secret is written through the API, then copied below the API many times.

The copies go through the barrier like any write (each is encrypted for its own key), but in large
transactions and without audit entries, so that a million take a minute and not an hour.
"""

import base64
from pathlib import Path

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.unseal import Unsealer
from strongroom.clock import SystemClock
from strongroom.storage.sqlite import SqliteStorage

SEED = "bulk/0"
FOLDER = 1000
BATCH = 5000


def name(number: int) -> str:
    """Secrets lie in folders of a thousand."""
    return f"bulk/{number // FOLDER}/{number}"


async def fill(data: Path, share: str, count: int) -> None:
    """Copy the secret at `secret/bulk/0` to `count` names. The server must be stopped."""
    storage = SqliteStorage(data)
    barrier = Barrier(storage, SystemClock())
    await Unsealer(storage, barrier).submit(base64.b64decode(share))
    key, value = await _seed(barrier)
    start = key.removesuffix(SEED)
    for first in range(0, count, BATCH):
        tx = barrier.begin()
        for number in range(first, min(first + BATCH, count)):
            tx.put(start + name(number), value)
        await tx.commit()
    await barrier.record_encryptions()
    barrier.seal()
    await storage.close()


async def _seed(barrier: Barrier) -> tuple[str, bytes]:
    """The seed's entry, wherever its mount keeps it."""
    tx = barrier.begin()
    after = "mount/"
    while keys := await tx.scan("mount/", after, 1000):
        for key in keys:
            value = await tx.get(key)
            if key.endswith(f"/{SEED}") and value is not None:
                return key, value
        after = keys[-1]
    raise LookupError("write secret/bulk/0 first")
