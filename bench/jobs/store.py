"""A real store on disk behind a barrier, as the server has it."""

import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from strongroom.barrier.barrier import Barrier
from strongroom.clock import SystemClock
from strongroom.storage.sqlite import SqliteStorage

ROOT_KEY = b"b" * 32
CLOCK = SystemClock()


class Target(Struct, frozen=True):
    """A reference, as jobs have."""

    path: str = "database/static-roles/app"


@asynccontextmanager
async def opened(place: Path) -> AsyncIterator[Barrier]:
    """An unsealed barrier over SQLite in `place`."""
    storage = SqliteStorage(place)
    barrier = Barrier(storage, CLOCK)
    await barrier.initialize(ROOT_KEY)
    await barrier.unseal(ROOT_KEY)
    yield barrier
    await storage.close()


def resident_bytes() -> int:
    """What this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()
