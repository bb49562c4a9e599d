"""Sinks: a device never holds up the log, and a cursor outlives the process."""

import asyncio
import errno
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from strongroom.audit.cursor import Cursor, Sink
from strongroom.audit.devices.options import DevicePolicy
from strongroom.audit.devices.outbound import Outbound
from strongroom.audit.log import Log, Settings
from strongroom.audit.sinks import Sinks
from strongroom.clock import FakeClock
from strongroom.errors import IntegrityFailure, InvalidRequest, NotFound

from .builders import entry


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    made = await Log.open(tmp_path / "audit", FakeClock(), Settings(segment_bytes=4000))
    yield made
    await made.close()


@pytest.fixture
def sinks(log: Log, tmp_path: Path) -> Sinks:
    return Sinks(log, tmp_path / "audit", DevicePolicy(Outbound(["127.0.0.1"]), FakeClock(), tmp_path))


async def fill(log: Log, count: int) -> None:
    for number in range(count):
        await log.flushed(log.append(entry(number)))


def sequences(path: Path) -> list[int]:
    return [json.loads(line)["seq"] for line in path.read_bytes().splitlines()]


class Stuck:
    """A device whose far end takes nothing, until it is let go."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.lines: list[bytes] = []

    async def deliver(self, lines: Sequence[bytes]) -> None:
        await self.free.wait()
        self.lines += lines

    async def settle(self) -> None: ...

    def reopen(self) -> None: ...

    async def close(self) -> None: ...


class Refusing(Stuck):
    """A device whose far end refuses the first deliveries."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    async def deliver(self, lines: Sequence[bytes]) -> None:
        self.left -= 1
        if self.left >= 0:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
        self.lines += lines


async def test_a_failure_and_its_end_are_told_once_each(log: Log, tmp_path: Path) -> None:
    told: list[str] = []
    again = asyncio.Event()

    def tell(error: str) -> None:
        told.append(error)
        if not error:
            again.set()

    sink = Sink(log, tmp_path / "audit", Refusing(2), Cursor(tmp_path / "cursor"), 0, tell)
    await fill(log, 1)
    await again.wait()
    assert told == ["Connection refused", ""]
    await sink.stop(0)


async def test_a_stuck_device_blocks_neither_the_log_nor_other_devices(
    log: Log, sinks: Sinks, tmp_path: Path
) -> None:
    stuck = Stuck()
    sink = Sink(log, tmp_path / "audit", stuck, Cursor(tmp_path / "cursor"), 0)
    sinks.enable("file/", "file", {"file_path": "a.log"})
    async with asyncio.timeout(10):
        await fill(log, 100)
    assert sink.status().lag == 100
    await sinks.close()
    assert sequences(tmp_path / "a.log") == list(range(100))
    stuck.free.set()
    await sink.stop(5)
    assert [json.loads(line)["seq"] for line in stuck.lines] == list(range(100))


async def test_stopping_waits_for_a_stuck_device_only_so_long(log: Log, tmp_path: Path) -> None:
    sink = Sink(log, tmp_path / "audit", Stuck(), Cursor(tmp_path / "cursor"), 0)
    await fill(log, 3)
    await sink.stop(0.01)
    assert Cursor(tmp_path / "cursor").load() is None


async def test_a_new_device_starts_now_and_goes_on_where_it_was(
    log: Log, sinks: Sinks, tmp_path: Path
) -> None:
    await fill(log, 5)
    sinks.enable("file/", "file", {"file_path": "a.log"})
    await fill(log, 5)
    await sinks.close()
    await fill(log, 5)  # while the device is not fed
    sinks.enable("file/", "file", {"file_path": "a.log"})
    await fill(log, 5)
    await sinks.close()
    assert sequences(tmp_path / "a.log") == list(range(5, 20))


async def test_disabling_delivers_the_rest_and_forgets_the_cursor(
    log: Log, sinks: Sinks, tmp_path: Path
) -> None:
    sinks.enable("a/b/", "file", {"file_path": "a.log"})
    await fill(log, 5)
    await sinks.disable("a/b/")
    assert sequences(tmp_path / "a.log") == list(range(5))
    assert list((tmp_path / "audit" / "cursors").iterdir()) == []
    assert sinks.status() == {}
    with pytest.raises(NotFound):
        await sinks.disable("a/b/")


async def test_status_tells_lag_and_the_reason(log: Log, sinks: Sinks) -> None:
    sinks.enable("socket/", "socket", {"address": "127.0.0.1:9"})
    await fill(log, 4)
    async with asyncio.timeout(5):
        while not (status := sinks.status()["socket/"]).failures:  # noqa: ASYNC110 - status is for polling
            await asyncio.sleep(0.01)
    assert (status.position, status.lag) == (0, 4)
    assert status.error == "Connection refused"
    await sinks.close(patience=0)


async def test_what_cannot_be_enabled_is_refused(log: Log, sinks: Sinks, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="unknown audit device type"):
        sinks.enable("x/", "carrier-pigeon", {})
    sinks.enable("file/", "file", {"file_path": "a.log"})
    with pytest.raises(InvalidRequest, match="already enabled"):
        sinks.enable("file/", "file", {"file_path": "b.log"})
    await sinks.close()
    (tmp_path / "audit" / "cursors" / "file%2F").write_text("-1\n")
    with pytest.raises(IntegrityFailure, match="cursor file%2F is damaged"):
        sinks.enable("file/", "file", {"file_path": "a.log"})


async def test_a_cursor_ahead_of_a_restored_log_starts_at_its_end(
    log: Log, sinks: Sinks, tmp_path: Path
) -> None:
    Cursor(tmp_path / "audit" / "cursors" / "file%2F").save(1000)
    await fill(log, 3)
    sinks.enable("file/", "file", {"file_path": "a.log"})
    assert sinks.status()["file/"].position == 3
    await sinks.close()


async def test_a_file_sink_follows_a_rotation(log: Log, sinks: Sinks, tmp_path: Path) -> None:
    sinks.enable("file/", "file", {"file_path": "a.log"})
    await fill(log, 3)
    await sinks.close()
    sinks.enable("file/", "file", {"file_path": "a.log"})
    (tmp_path / "a.log").rename(tmp_path / "a.log.1")
    sinks.reopen()
    await fill(log, 2)
    await sinks.close()
    assert sequences(tmp_path / "a.log.1") == [0, 1, 2]
    assert sequences(tmp_path / "a.log") == [3, 4]


async def test_a_log_that_lost_lines_shows_in_the_status(log: Log, tmp_path: Path) -> None:
    await fill(log, 60)
    directory = tmp_path / "audit"
    sorted(directory.glob("0*.jsonl"))[1].unlink()
    sink = Sink(log, directory, Stuck(), Cursor(tmp_path / "cursor"), 20)
    async with asyncio.timeout(5):
        while not sink.status().failures:  # noqa: ASYNC110 - status is for polling
            await asyncio.sleep(0.01)
    assert "audit entry 20 is not where" in sink.status().error
    await sink.stop(0)
