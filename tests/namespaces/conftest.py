"""A house with two tenants, one of them with a namespace below, and workers that delete namespaces."""

import pytest

from tests.namespaces.house import Tenants


@pytest.fixture
async def house() -> Tenants:
    return await Tenants.opened()
