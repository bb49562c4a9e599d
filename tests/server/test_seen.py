"""What a node has seen of a shared store, when its file cannot be written or read.

That a store which has gone back is noticed: `operations/test_point_in_time`.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from strongroom.clock import FakeClock
from strongroom.server import seen
from strongroom.server.problems import StartFailed
from strongroom.storage.postgresql.storage import PostgresqlStorage


@dataclass
class Store:
    """All that is asked of a store here."""

    identity: str = "store-a"
    position: int = 7


async def until(there: Callable[[], bool]) -> None:
    for _ in range(6000):
        if there():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it does not come")


def noted(data: Path, change: int) -> bool:
    """Whether the file says so; it is written on another thread."""
    file = data / seen.FILE
    return file.exists() and f'"change":{change},' in file.read_text()


async def test_a_disk_that_is_full_for_a_while_does_not_end_the_watch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "PULSE_SECONDS", 0)
    store, blocked = Store(), tmp_path / f".{seen.FILE}"
    blocked.mkdir()  # so nothing can be written there
    with caplog.at_level(logging.WARNING):
        async with seen.watching(cast("PostgresqlStorage", store), tmp_path, FakeClock()):
            await until(lambda: bool(caplog.records))
            blocked.rmdir()
            await until(lambda: noted(tmp_path, 7))
            store.position = 8
            await until(lambda: noted(tmp_path, 8))
    assert len(caplog.records) == 1, "told once, not at each attempt"
    with pytest.raises(StartFailed, match="is behind what this node has seen"):
        seen.check(tmp_path, "store-a", 7, "")


def test_a_file_that_says_nothing_stops_the_start_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / seen.FILE).write_bytes(b"")
    with pytest.raises(StartFailed, match="cannot be read") as failed:
        seen.check(tmp_path, "store-a", 7, "")
    assert f"rm {tmp_path / seen.FILE}" in failed.value.next_step
