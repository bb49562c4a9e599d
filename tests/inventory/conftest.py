"""The real binary against a real server; and a whole server without its listener."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.framework import Operation
from tests.cli.conftest import Shell, dev, shell, sr
from tests.system.test_backup import Desk

__all__ = ["Shell", "desk", "dev", "shell", "sr"]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """An initialised, unsealed server with a versioned key-value engine at secret/."""
    made = Desk(tmp_path / "data")
    await made.open()
    await made.ask(Operation.WRITE, "sys/mounts/secret", type="kv", options={"version": "2"})
    yield made
    await made.close()
