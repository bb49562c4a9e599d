"""The fixture that all tests of jobs share."""

import pytest

from tests.jobs.house import House


@pytest.fixture
async def house() -> House:
    return await House.opened()
