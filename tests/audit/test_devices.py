"""Each device against a collector of its kind on loopback."""

import hashlib
import hmac
import os
import ssl
import stat
from pathlib import Path

import pytest

from strongroom.audit.cursor import Device
from strongroom.audit.sinks import DEVICES
from strongroom.errors import UpstreamFailed
from tests.suites.audit import Collector, DeviceSuite, line

from .collectors import (
    DatagramCollector,
    HttpCollector,
    StreamCollector,
    maker,
    message_of,
    policy,
    take_counted,
    take_lines,
)

Given = dict[str, object]


class FileCollector:
    def __init__(self, directory: Path) -> None:
        self.path = directory / "audit.log"
        self.rules = policy(directory)

    def device(self) -> Device:
        return DEVICES["file"]({"file_path": str(self.path)}, self.rules)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def until(self, last: bytes) -> list[bytes]:
        lines = self.path.read_bytes().splitlines()
        assert last in lines
        return lines


class TestFile(DeviceSuite):
    @pytest.fixture
    def collector(self, tmp_path: Path) -> Collector:
        return FileCollector(tmp_path)


class TestSocketTcp(DeviceSuite):
    @pytest.fixture
    async def collector(self) -> Collector:
        return StreamCollector(maker("socket", policy(), address="{}"), take_lines)


class TestSocketUnix(DeviceSuite):
    @pytest.fixture
    async def collector(self, tmp_path: Path) -> Collector:
        path = tmp_path / "s"
        make = maker("socket", policy(None, path), address="{}", socket_type="unix")
        return StreamCollector(make, take_lines, path)


class TestSocketUdp(DeviceSuite):
    @pytest.fixture
    async def collector(self) -> Collector:
        make = maker("socket", policy(), address="{}", socket_type="udp")
        return DatagramCollector(make, lambda packet: packet.removesuffix(b"\n"))


class TestSyslogTcp(DeviceSuite):
    @pytest.fixture
    async def collector(self) -> Collector:
        return StreamCollector(maker("syslog", policy(), address="tcp://{}"), take_counted)


class TestSyslogTls(DeviceSuite):
    @pytest.fixture
    async def collector(self, certificate: tuple[ssl.SSLContext, str]) -> Collector:
        make = maker("syslog", policy(), address="tls://{}", ca_pem=certificate[1])
        return StreamCollector(make, take_counted, tls=certificate[0])


class TestSyslogUdp(DeviceSuite):
    @pytest.fixture
    async def collector(self) -> Collector:
        return DatagramCollector(maker("syslog", policy(), address="udp://{}"), message_of)


class TestSyslogUnix(DeviceSuite):
    @pytest.fixture
    async def collector(self, tmp_path: Path) -> Collector:
        path = tmp_path / "log"
        make = maker("syslog", policy(None, path), address="unix://{}")
        return DatagramCollector(make, message_of, path)


class TestHttp(DeviceSuite):
    @pytest.fixture
    async def collector(self) -> Collector:
        return HttpCollector(maker("http", policy(), uri="{}"))


class TestHttps(DeviceSuite):
    @pytest.fixture
    async def collector(self, certificate: tuple[ssl.SSLContext, str]) -> Collector:
        return HttpCollector(maker("http", policy(), uri="{}", ca_pem=certificate[1]), tls=certificate[0])


async def test_syslog_says_facility_tag_time_and_type() -> None:
    make = maker("syslog", policy(), address="udp://{}", facility="local3", tag="vault-1")
    collector = DatagramCollector(make, lambda packet: packet)
    await collector.start()
    device = collector.device()
    await device.deliver([line(0)])
    packet = (await collector.received())[0]
    host, pid = os.uname().nodename, os.getpid()
    assert packet.startswith(f"<158>1 2026-01-02T03:04:05.123456Z {host} vault-1 {pid} request - {{".encode())
    await device.close()
    await collector.stop()


async def test_http_authenticates_and_signs() -> None:
    options = {"token": "t0ken", "hmac_key": "k", "headers": '{"X-One": "1", "X-Two": ["2", "3"]}'}
    collector = HttpCollector(maker("http", policy(), uri="{}", **options))
    await collector.start()
    device = collector.device()
    await device.deliver([line(7), line(8)])
    first, headers, body = collector.requests[0]
    assert first == "POST /audit HTTP/1.1"
    assert headers["host"] == f"localhost:{collector.port}"
    assert headers["authorization"] == "Bearer t0ken"
    assert headers["content-type"] == "application/x-ndjson"
    assert headers["x-strongroom-sequence"] == "7-8"
    digest = hmac.new(b"k", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["x-strongroom-signature"] == f"t=1700000000,v1={digest}"
    assert (headers["x-one"], headers["x-two"]) == ("1", "3")
    assert "t0ken" not in repr(device.__dict__)
    await device.close()
    await collector.stop()


@pytest.mark.parametrize("status", [302, 400, 401, 503])
async def test_http_takes_only_a_2xx_for_a_receipt(status: int) -> None:
    collector = HttpCollector(maker("http", policy(), uri="{}"), status)
    await collector.start()
    device = collector.device()
    with pytest.raises(UpstreamFailed, match=f"answered {status}"):
        await device.deliver([line(0)])
    assert len(collector.requests) == 1  # no redirect was followed
    await device.close()
    await collector.stop()


async def test_https_refuses_a_certificate_it_does_not_trust(certificate: tuple[ssl.SSLContext, str]) -> None:
    collector = HttpCollector(maker("http", policy(), uri="{}"), tls=certificate[0])
    await collector.start()
    device = collector.device()
    with pytest.raises(UpstreamFailed, match="did not answer: ConnectError"):
        await device.deliver([line(0)])
    await device.close()
    await collector.stop()


async def test_a_file_is_private_and_reopened_on_request(tmp_path: Path) -> None:
    device = DEVICES["file"]({"file_path": "audit.log"}, policy(tmp_path))
    path = tmp_path / "audit.log"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await device.deliver([line(0)])
    path.rename(tmp_path / "audit.log.1")
    await device.deliver([line(1)])
    device.reopen()
    await device.deliver([line(2)])
    await device.close()
    assert (tmp_path / "audit.log.1").read_bytes().splitlines() == [line(0), line(1)]
    assert path.read_bytes().splitlines() == [line(2)]


async def test_lines_go_to_standard_output_on_request(capfd: pytest.CaptureFixture[str]) -> None:
    device = DEVICES["file"]({"file_path": "stdout"}, policy())
    await device.deliver([line(0)])
    await device.settle()
    device.reopen()
    await device.deliver([line(1)])
    await device.close()
    assert capfd.readouterr().out.encode().splitlines() == [line(0), line(1)]
