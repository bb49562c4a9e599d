"""A mount of the versioned key-value engine."""

import pytest

from strongroom.engines.kv import KV2
from tests.suites.engine import Bench, bench


@pytest.fixture
async def kv() -> Bench:
    return await bench(KV2())
