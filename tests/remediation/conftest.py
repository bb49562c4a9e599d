"""An opened server for each test, and the real commands with a real server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.conftest import dev, limited, shell, sr
from tests.remediation.house import House

__all__ = ["dev", "limited", "shell", "sr"]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = await House.begun(tmp_path / "data")
    yield made
    await made.stack.aclose()
