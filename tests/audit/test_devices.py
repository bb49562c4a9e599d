"""Each device against a collector of its kind on loopback."""

import datetime
import hashlib
import hmac
import ipaddress
import os
import ssl
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from strongroom.audit.cursor import Device
from strongroom.audit.devices.options import DevicePolicy, visible_options
from strongroom.audit.devices.outbound import Outbound
from strongroom.audit.sinks import DEVICES
from strongroom.clock import FakeClock
from strongroom.errors import InvalidRequest, UpstreamFailed
from tests.suites.audit import Collector, DeviceSuite, line

from .collectors import (
    DatagramCollector,
    HttpCollector,
    StreamCollector,
    message_of,
    take_counted,
    take_lines,
)

Given = dict[str, object]


def policy(directory: Path | None = None, *sockets: Path) -> DevicePolicy:
    allowed = ["127.0.0.1", "localhost", *(f"unix:{path}" for path in sockets)]
    return DevicePolicy(Outbound(allowed), FakeClock(), directory)


def maker(kind: str, rules: DevicePolicy, **options: str) -> Callable[[str], Device]:
    """Builds a device for an address, which is put wherever an option says `{}`."""
    return lambda address: DEVICES[kind](
        {name: value.replace("{}", address) for name, value in options.items()}, rules
    )


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A server context for localhost and 127.0.0.1, and its authority in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, pem.decode()


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


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """A directory for audit files with a link, an executable, a FIFO and a directory in it."""
    directory = tmp_path / "logs"
    directory.mkdir()
    (directory / "link").symlink_to(tmp_path / "outside.log")
    (directory / "way").symlink_to(tmp_path)
    (directory / "script").write_text("#!/bin/sh\n")
    (directory / "script").chmod(0o755)
    (directory / "folder").mkdir()
    os.mkfifo(directory / "fifo")
    return directory


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "/etc/passwd", "../outside.log", "folder/../../outside.log", "/tmp/../etc/passwd", "link",
        "way/outside.log", "script", "fifo", "folder", "folder/", "no/such/folder", "a\nb", "a\0b", "discard",
    ],
)  # fmt: skip
def test_a_file_device_writes_only_plain_files_below_its_directory(traps: Path, name: str) -> None:
    if name == "discard":  # a plain name, not the null device
        DEVICES["file"]({"file_path": name}, policy(traps))
        assert (traps / "discard").is_file()
        return
    with pytest.raises(InvalidRequest):
        DEVICES["file"]({"file_path": name}, policy(traps))
    assert not (traps.parent / "outside.log").exists()


def test_a_file_device_needs_a_directory_from_the_configuration() -> None:
    with pytest.raises(InvalidRequest, match="names no directory"):
        DEVICES["file"]({"file_path": "audit.log"}, policy())


@pytest.mark.parametrize("mode", ["0777", "755", "0602", "8", "-1", "0x0", "01777"])
def test_a_file_mode_that_endangers_the_host_is_refused(tmp_path: Path, mode: str) -> None:
    with pytest.raises(InvalidRequest):
        DEVICES["file"]({"file_path": "audit.log", "mode": mode}, policy(tmp_path))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("file", {"file_path": "a", "prefix": "#!/bin/sh\n"}),
        ("file", {"file_path": "a", "format": "jsonx"}),
        ("file", {"file_path": "a", "log_raw": True}),
        ("file", {"file_path": "a", "hmac_accessor": "false"}),
        ("file", {"file_path": "a", "what": "1"}),
        ("socket", {}),
        ("socket", {"address": "127.0.0.1"}),
        ("socket", {"address": "127.0.0.1:99999"}),
        ("socket", {"address": "user@127.0.0.1:1"}),
        ("socket", {"address": "127.0.0.1:1/x"}),
        ("socket", {"address": "127.0.0.1:1", "socket_type": "sctp"}),
        ("socket", {"address": "127.0.0.1:1", "write_timeout": "0"}),
        ("socket", {"address": "s", "socket_type": "unix"}),
        ("socket", {"address": "/run/docker.sock", "socket_type": "unix"}),
        ("socket", {"address": "collector.example:514"}),
        ("syslog", {}),
        ("syslog", {"address": "127.0.0.1:514"}),
        ("syslog", {"address": "udp://127.0.0.1:514", "facility": "x"}),
        ("syslog", {"address": "udp://127.0.0.1:514", "tag": "a b"}),
        ("syslog", {"address": "tls://127.0.0.1:514", "ca_pem": "x"}),
        ("http", {"uri": "ftp://127.0.0.1/"}),
        ("http", {"uri": "http://u:p@127.0.0.1/"}),
        ("http", {"uri": "http://169.254.169.254/latest"}),
        ("http", {"uri": "http://[::1"}),
        ("http", {"uri": "http://127.0.0.1/", "headers": "[]"}),
        ("http", {"uri": "http://127.0.0.1/", "headers": '{"Host": "x"}'}),
        ("http", {"uri": "http://127.0.0.1/", "headers": '{"X": "a\\r\\nb"}'}),
        ("http", {"uri": "http://127.0.0.1/", "token": "a\nb"}),
    ],
)
def test_options_that_are_wrong_or_reach_too_far_are_refused(
    tmp_path: Path, kind: str, options: Given
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        DEVICES[kind](options, policy(tmp_path))
    for value in options.values():
        if value and isinstance(value, str) and len(value) > 2 and "#!" in value:
            assert value not in str(refused.value)


def test_credentials_are_not_shown() -> None:
    options = {"uri": "https://x/", "token": "a", "hmac_key": "b", "headers": "{}"}
    assert visible_options(options) == {"uri": "https://x/"}
