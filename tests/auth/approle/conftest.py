"""An approle mount with one role."""

import pytest

from strongroom.auth.approle import AppRole
from tests.suites.engine import Bench, bench


@pytest.fixture
async def method() -> Bench:
    made = await bench(AppRole(), "auth/approle/")
    await made.write("role/ci", {"token_policies": "deploy"})
    return made
