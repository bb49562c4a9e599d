"""What every audit device must do, whatever it talks to. A new device's test builds its collector."""

import asyncio
from pathlib import Path
from typing import Protocol

import pytest

from strongroom.audit.cursor import Cursor, Device, Sink
from strongroom.audit.log import Log
from strongroom.clock import FakeClock

PATIENCE = 10.0


class Collector(Protocol):
    """The far end of a device."""

    def device(self) -> Device:
        """A device that talks to this collector."""
        ...

    async def start(self) -> None:
        """Begin to listen, at the same address each time."""
        ...

    async def stop(self) -> None:
        """Stop listening; peers are cut off."""
        ...

    async def until(self, last: bytes) -> list[bytes]:
        """The lines so far, once `last` is among them."""
        ...


def line(number: int, width: int = 10) -> bytes:
    return b'{"seq":%d,"time":"2026-01-02T03:04:05.123456789Z","type":"request","pad":"%s"}' % (
        number,
        b"x" * width,
    )


class DeviceSuite:
    """Inherit, and give a `collector` fixture that is not yet listening."""

    async def test_lines_arrive_whole_and_in_order(self, collector: Collector) -> None:
        await collector.start()
        device = collector.device()
        lines = [line(number, 10 + number * 7 % 2000) for number in range(200)]
        await device.deliver(lines[:1])
        await device.deliver(lines[1:150])
        await device.deliver(lines[150:])
        await device.settle()
        async with asyncio.timeout(PATIENCE):
            assert await collector.until(lines[-1]) == lines
        await device.close()
        await collector.stop()

    async def test_a_sink_catches_up_once_the_collector_is_there(
        self, collector: Collector, tmp_path: Path
    ) -> None:
        log = await Log.open(tmp_path / "audit", FakeClock())
        sink = Sink(log, tmp_path / "audit", collector.device(), Cursor(tmp_path / "cursor"), 0)
        for number in range(50):
            await log.flushed(log.append(b"{" + line(number).split(b",", 1)[1]))
        assert log.size == 50  # nobody listens, and nobody waited for that
        await collector.start()
        last = b'{"seq":50,"last":true}'
        await log.flushed(log.append(b'{"last":true}'))
        async with asyncio.timeout(PATIENCE):
            await sink.reached(51)
            found = await collector.until(last)
        assert len(found) > 40  # over UDP, those sent before anyone listened are gone
        assert found[-1] == last
        assert sink.status().lag == 0
        await sink.stop(PATIENCE)
        assert Cursor(tmp_path / "cursor").load() == 51
        await collector.stop()
        await log.close()

    async def test_a_device_closes_without_ever_having_delivered(self, collector: Collector) -> None:
        await collector.device().close()

    @pytest.mark.parametrize("width", [100_000])
    async def test_a_long_line_does_not_stop_the_sink(self, collector: Collector, width: int) -> None:
        await collector.start()
        device = collector.device()
        await device.deliver([line(0, width), line(1)])
        async with asyncio.timeout(PATIENCE):
            first, second = await collector.until(line(1))
        assert second == line(1)
        assert first.startswith(b'{"seq":0,')
        assert first == line(0, width) or b'"truncated":true' in first
        await device.close()
        await collector.stop()
