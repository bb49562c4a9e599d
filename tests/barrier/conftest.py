"""An open barrier over memory, which the tests of this folder share."""

import pytest

from strongroom.barrier.barrier import Barrier
from strongroom.clock import FakeClock
from strongroom.storage.memory import MemoryStorage

ROOT_KEY = b"r" * 32


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def barrier(storage: MemoryStorage, clock: FakeClock) -> Barrier:
    barrier = Barrier(storage, clock)
    await barrier.initialize(ROOT_KEY)
    await barrier.unseal(ROOT_KEY)
    return barrier
