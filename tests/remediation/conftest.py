"""An opened server for each test, and the real commands with a real server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.chaos.vault import Vault
from tests.cli.conftest import dev, limited, shell, sr
from tests.remediation.house import House

__all__ = ["dev", "limited", "shell", "sr"]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = await House.begun(tmp_path / "data")
    yield made
    await made.stack.aclose()


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """A directory whose server can be killed; none is left running."""
    made = Vault(tmp_path / "data")
    yield made
    if made.server is not None and made.server.process.poll() is None:
        made.kill()
