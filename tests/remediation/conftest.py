"""An opened server for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.remediation.house import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = await House.begun(tmp_path / "data")
    yield made
    await made.stack.aclose()
