"""The rig that most tests here drive. The process tests run production's event loop."""

from collections.abc import AsyncIterator

import pytest

from tests.server.rig import Rig


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    yield made
    await made.close()
