"""TLS: versions, client certificates, new certificates without dropping a connection, deadlines."""

import signal
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from strongroom.server import tls
from strongroom.server.config import Config
from strongroom.server.limits import Limits
from strongroom.server.problems import StartFailed
from tests.server.certificates import Pair, client, self_signed
from tests.server.process import ask, start
from tests.server.rig import Rig, get, read_answer


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return self_signed(tmp_path, "server")


def config(pair: Pair, **more: object) -> Config:
    return replace(Config(tls_cert=str(pair.cert), tls_key=str(pair.key)), **more)


@pytest.mark.slow
def test_a_reload_shows_new_connections_the_new_certificate(tmp_path: Path, pair: Pair) -> None:
    fresh = self_signed(tmp_path, "fresh")
    with start("--dev", "--tls-cert", pair.cert, "--tls-key", pair.key) as server:
        old = server.connect(client(pair))
        assert ask(old, "GET", "/v1/sys/health")[0] == 200
        good_cert, good_key = pair.cert.read_bytes(), pair.key.read_bytes()
        pair.cert.write_bytes(fresh.cert.read_bytes())
        server.signal(signal.SIGHUP, until="certificates not reloaded")
        pair.key.write_bytes(fresh.key.read_bytes())
        server.signal(signal.SIGHUP, until="certificates reloaded")
        new = server.connect(client(fresh))
        assert ask(new, "GET", "/v1/sys/health")[0] == 200
        assert isinstance(new.sock, ssl.SSLSocket)
        assert new.sock.getpeercert(binary_form=True) == fresh.der
        assert ask(old, "GET", "/v1/sys/health")[0] == 200
        assert good_cert != pair.cert.read_bytes()
        assert good_key != pair.key.read_bytes()
        old.close()
        new.close()
        assert server.stop() == 0


@pytest.mark.slow
def test_a_silent_handshake_is_cut_and_does_not_hold_others(tmp_path: Path, pair: Pair) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text("[limits]\nhandshake_seconds = 1\n")
    with start("--dev", "--config", settings, "--tls-cert", pair.cert, "--tls-key", pair.key) as server:
        silent = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(20)]
        connection = server.connect(client(pair))
        assert ask(connection, "GET", "/v1/sys/health")[0] == 200
        connection.close()
        for link in silent:
            link.settimeout(10)
            assert link.recv(1) == b""
            link.close()


async def test_versions_before_1_2_are_refused(rig: Rig, pair: Pair) -> None:
    context = tls.context(config(pair))
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    await rig.start(tls=context)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        modern = client(pair)
        modern.minimum_version = modern.maximum_version = version
        reader, writer = await rig.connect(modern)
        writer.write(get())
        status, headers, _ = await read_answer(reader)
        assert status == 200
        assert "strict-transport-security" in headers
        writer.close()
    assert not [
        c["name"] for c in context.get_ciphers() if "CBC" in c["description"] or c.get("kea") == "RSA"
    ]


async def test_an_optional_client_certificate_reaches_the_door(rig: Rig, pair: Pair, tmp_path: Path) -> None:
    own = self_signed(tmp_path, "client")
    await rig.start(tls=tls.context(config(pair, client_ca=str(own.cert))))
    for shown, seen in ((own, own.der), (None, b"")):
        reader, writer = await rig.connect(client(pair, shown))
        writer.write(get())
        assert (await read_answer(reader))[0] == 200
        assert rig.door.seen[-1].client_certificate == seen
        writer.close()


async def test_a_required_client_certificate_is_required(rig: Rig, pair: Pair, tmp_path: Path) -> None:
    own, foreign = self_signed(tmp_path, "client"), self_signed(tmp_path, "foreign")
    await rig.start(tls=tls.context(config(pair, client_ca=str(own.cert), require_client_cert=True)))
    for shown in (None, foreign):
        with suppress(ssl.SSLError, ConnectionError):
            reader, writer = await rig.connect(client(pair, shown))
            writer.write(get())
            assert await reader.read() == b""
    assert not rig.door.seen
    reader, writer = await rig.connect(client(pair, own))
    writer.write(get())
    assert (await read_answer(reader))[0] == 200
    writer.close()


async def test_a_large_answer_and_a_refused_body_arrive_whole_over_tls(rig: Rig, pair: Pair) -> None:
    await rig.start(Limits(), tls=tls.context(config(pair)))
    reader, writer = await rig.connect(client(pair))
    writer.write(get("/v1/big"))
    assert len((await read_answer(reader))[2]) > 8_000_000
    writer.write(get("/v1/a", "Content-Length: 100000", method="POST"))
    assert (await read_answer(reader))[0] == 413
    assert await reader.read() == b""
    writer.close()


def test_what_cannot_be_used_is_named(pair: Pair, tmp_path: Path) -> None:
    other, junk = self_signed(tmp_path, "other"), tmp_path / "junk.pem"
    junk.write_text("junk")
    wrong = [
        config(pair, tls_key=str(other.key)),
        config(pair, tls_key=""),
        config(pair, tls_cert=str(junk)),
        config(pair, client_ca=str(junk)),
        config(pair, require_client_cert=True),
        Config(client_ca=str(pair.cert)),
    ]
    for one in wrong:
        with pytest.raises(StartFailed):
            tls.context(one)
    assert tls.context(Config()) is None
