"""Real databases and a house for all tests of rotation."""

from collections.abc import AsyncIterator

import pytest

from tests.engines.database.conftest import maria, mariadb_server, pg, postgres_server
from tests.rotation.house import House

__all__ = ["maria", "mariadb_server", "pg", "postgres_server"]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House.begun()
    yield made
    await made.core.seal()
