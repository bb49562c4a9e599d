"""The client against servers that misbehave, over real sockets; TLS against our own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from strongroom.cli.client import Client, Options, Refused
from strongroom.cli.errors import Failure
from strongroom.cli.exchange import Connection
from strongroom.sensitive import Sensitive
from tests.cli.conftest import Shell
from tests.server.certificates import Pair, self_signed
from tests.server.process import Server, start

pytestmark = pytest.mark.slow


class Peer:
    """Answers each request with the next of its scripted answers, byte for byte."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.seen: list[bytes] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def serve(self) -> None:
        while self.answers:
            connection, _ = self.listening.accept()
            with connection:
                while self.answers and (request := connection.recv(65536)):
                    self.seen.append(request)
                    answer = self.answers.pop(0)
                    connection.sendall(answer)
                    if b"Connection: close" in answer or b"Content-Length" not in answer:
                        break


@contextmanager
def _peer(*answers: bytes) -> Iterator[Peer]:
    peer = Peer(list(answers))
    thread = threading.Thread(target=peer.serve)
    thread.start()
    try:
        yield peer
    finally:
        peer.answers.clear()
        with socket.create_connection(peer.listening.getsockname()):
            pass
        thread.join()
        peer.listening.close()


def _answer(status: str, body: bytes = b"{}", *fields: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(head).encode() + body


def _client(peer: Peer, **changes: Any) -> Client:
    return Client(Options(peer.address, Sensitive("t"), timeout=5)._replace(**changes))


@pytest.mark.parametrize(
    "answer",
    [
        _answer("200 OK", b'{"a": 1}'),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n5;x=y\r\n": 1}\r\n0\r\nTrailer: x\r\n\r\n',
        b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"a": 1}',
        b"HTTP/1.1 100 Continue\r\n\r\n" + _answer("200 OK", b'{"a": 1}'),
    ],
)
def test_every_framing_of_a_body_is_read(answer: bytes) -> None:
    with _peer(answer) as peer:
        client = _client(peer)
        assert client.request("GET", "x").body == {"a": 1}
        client.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-server\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000,
    ],
)
def test_what_is_no_http_is_unreachable_not_a_crash(answer: bytes) -> None:
    with _peer(answer) as peer, pytest.raises(Failure) as failure:
        _client(peer).request("GET", "x")
    assert failure.value.code == 4


def test_a_busy_server_is_asked_again_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    busy = _answer("429 Too Many", b"{}", "Retry-After: 7")
    with _peer(busy, _answer("412 Behind"), _answer("200 OK", b'{"a": 1}')) as peer:
        client = _client(peer)
        assert client.request("POST", "x", {"v": 1}).body == {"a": 1}
        client.close()
    assert slept[0] == 7.0
    assert len(slept) == 2


def test_a_wait_that_is_too_long_is_told_at_once() -> None:
    with _peer(_answer("429 Too Many", b"{}", "Retry-After: 3600")) as peer:
        client = _client(peer)
        with pytest.raises(Refused) as refused:
            client.request("GET", "x")
        client.close()
        assert len(peer.seen) == 1
    assert refused.value.after == 3600


def test_a_broken_server_is_asked_again_for_reads_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    broken = _answer("500 Broken")
    with _peer(broken, _answer("200 OK")) as peer:
        client = _client(peer)
        assert client.request("GET", "x").status == 200
        client.close()
    with _peer(broken, _answer("200 OK")) as peer:
        client = _client(peer)
        with pytest.raises(Refused):
            client.request("POST", "x", {})
        client.close()
        assert len(peer.seen) == 1


def test_a_redirect_is_not_followed() -> None:
    with _peer(_answer("307 There", b"", "Location: http://evil.example/v1/x")) as peer:
        client = _client(peer)
        with pytest.raises(Failure, match="redirects are not followed"):
            client.request("GET", "x")
        client.close()


def test_the_time_limit_holds_for_the_whole_answer() -> None:
    with _peer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1", b"") as peer:
        began = time.monotonic()
        client = _client(peer, timeout=0.2)
        with pytest.raises(Failure, match="took too long"):
            client.request("GET", "x")
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("field", ["reason", "namespace"])
def test_a_header_cannot_be_split(field: str) -> None:
    with _peer(_answer("200 OK")) as peer:
        client = _client(peer, **{field: "x\r\nX-Vault-Token: other"})
        with pytest.raises(Failure, match="cannot be sent"):
            client.request("GET", "x")
        assert peer.seen == []


def test_paths_are_encoded_and_token_and_reason_sent() -> None:
    with _peer(_answer("200 OK")) as peer:
        client = _client(peer, reason="INC-1")
        client.request("GET", "secret/data/a b?c#d%e", query={"version": "1"})
        client.close()
        head = peer.seen[0].decode()
    assert head.startswith("GET /v1/secret/data/a%20b%3Fc%23d%25e?version=1 HTTP/1.1\r\n")
    assert "\r\nX-Vault-Token: t\r\n" in head
    assert "\r\nX-Strongroom-Reason: INC-1\r\n" in head


def test_a_connection_is_used_again() -> None:
    with _peer(_answer("200 OK"), _answer("200 OK")) as peer:
        client = _client(peer)
        client.request("GET", "x")
        kept: Connection | None = client._connection
        client.request("GET", "y")
        assert client._connection is kept
        client.close()


def test_nobody_there_is_exit_four_and_one_for_status(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    nobody = Shell(shell.home, {"STRONGROOM_ADDR": f"http://127.0.0.1:{free}", "STRONGROOM_TOKEN": "t"})
    assert nobody("kv", "get", "secret/a").code == 4
    assert "Connection refused" in nobody("whoami").err
    assert nobody("status").code == 1
    assert nobody("doctor").code == 1


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return self_signed(tmp_path_factory.mktemp("tls"), "server")


@pytest.fixture(scope="module")
def secure(pair: Pair) -> Iterator[Server]:
    with start(
        "--dev", "--dev-root-token-id", "root", "--tls-cert", pair.cert, "--tls-key", pair.key
    ) as server:
        yield server


def test_an_unknown_authority_is_refused_and_a_named_one_believed(
    shell: Shell, secure: Server, pair: Pair
) -> None:
    sr = shell.to(secure, scheme="https")
    ran = sr("whoami")
    assert ran.code == 4
    assert "is not trusted" in ran.err
    assert "--ca-cert" in ran.err
    assert sr.ok("whoami", "--ca-cert", pair.cert, "--field", "policies").out == '["root"]'
    assert sr("whoami", env={"VAULT_CACERT": str(pair.cert)}).code == 0


def test_skipping_verification_warns_each_time(shell: Shell, secure: Server) -> None:
    ran = shell.to(secure, scheme="https").ok("whoami", "--tls-skip-verify")
    assert "certificate is not checked" in ran.err


def test_the_certificate_must_have_the_name(shell: Shell, secure: Server, pair: Pair) -> None:
    sr = shell.to(secure, scheme="https")
    assert sr("whoami", "--ca-cert", pair.cert, "--tls-server-name", "localhost").code == 0
    assert sr("whoami", "--ca-cert", pair.cert, "--tls-server-name", "other.example").code == 4


def test_doctor_sees_the_certificates_end(shell: Shell, secure: Server, pair: Pair) -> None:
    ran = shell.to(secure, scheme="https")("doctor", "--ca-cert", pair.cert)
    assert "warn  tls" in ran.out
    assert "TLSv1.3" in ran.out


def test_plain_http_to_tls_and_tls_to_plain_say_so(shell: Shell, secure: Server, dev: Server) -> None:
    assert "Try https:// instead" in shell.to(secure)("whoami").err
    assert "Try http:// instead" in shell.to(dev, scheme="https")("whoami").err


def test_files_that_are_no_pem_are_usage_errors(shell: Shell, secure: Server, tmp_path: Path) -> None:
    sr = shell.to(secure, scheme="https")
    (tmp_path / "no.pem").write_text("no")
    assert sr("whoami", "--ca-cert", tmp_path / "no.pem").code == 2
    assert sr("whoami", "--ca-cert", tmp_path / "none.pem").code == 2


def test_a_server_that_is_no_vault_is_told_apart() -> None:
    with _peer(_answer("200 OK", b"<html>welcome</html>")) as peer:
        client = _client(peer)
        with pytest.raises(Failure, match="does not answer as a vault does"):
            client.request("GET", "sys/seal-status")
        client.close()


def test_a_sealed_server_is_not_asked_again_unless_it_says_when(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with _peer(_answer("503 Sealed"), _answer("200 OK")) as peer:
        client = _client(peer)
        with pytest.raises(Refused):
            client.request("GET", "x")
        client.close()
    with _peer(_answer("503 Busy", b"{}", "Retry-After: 1"), _answer("200 OK")) as peer:
        client = _client(peer)
        assert client.request("GET", "x").status == 200
        client.close()
