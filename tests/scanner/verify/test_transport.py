"""The way out: public addresses only, TLS to the named host, no redirects, proxies by CONNECT."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.errors import InvalidRequest
from strongroom.scanner.verify.addresses import Forbidden, permitted
from strongroom.scanner.verify.fill import Request
from strongroom.scanner.verify.transport import Https, NoAnswer, Proxy, proxy_at, proxy_for
from tests.scanner.verify.conftest import Provider, Reply


def _request(host: str = "api.github.com", port: int = 443, *, named: bool = False) -> Request:
    return Request("GET", host, port, "/user", {"Authorization": "Bearer s3cret"}, b"", named)


PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "168.63.129.16",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_not_called(address: str) -> None:
    with pytest.raises(Forbidden):
        permitted("api.github.com", 443, lookup=lambda *_: [address])


def test_one_private_address_among_public_ones_refuses_all() -> None:
    with pytest.raises(Forbidden):
        permitted("rebind.example.com", 443, lookup=lambda *_: ["140.82.112.5", "127.0.0.1"])


def test_public_addresses_are_called() -> None:
    found = ["140.82.112.5", "2606:50c0:8000::153"]
    assert permitted("api.github.com", 443, lookup=lambda *_: found) == found


@pytest.mark.parametrize("address", PRIVATE)
def test_a_named_host_may_be_private_but_no_metadata_service(address: str) -> None:
    plain = ipaddress.ip_address(address)
    inner = getattr(plain, "ipv4_mapped", None) or plain
    allowed = {"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fc00::1"}
    if str(inner) in allowed or address in ("64:ff9b::7f00:1", "2002:7f00:1::"):
        assert permitted("git.example.com", 443, private=True, lookup=lambda *_: [address])
    elif address not in ("255.255.255.255", "100.64.0.1"):
        with pytest.raises(Forbidden):
            permitted("git.example.com", 443, private=True, lookup=lambda *_: [address])


def test_the_address_that_was_checked_is_the_one_called(
    provider: Provider, authority: tuple[Path, Path]
) -> None:
    asked: list[str] = []

    def resolve(request: Request) -> list[tuple[str, int]]:
        asked.append(request.host)
        return [("127.0.0.1", provider.port)]

    context = ssl.create_default_context(cafile=str(authority[0]))
    provider.answers(Reply(200, {}))
    assert Https(5.0, resolve=resolve, context=context, environ={}).send(_request()).status == 200
    assert asked == ["api.github.com"]


def test_loopback_is_refused_by_default(provider: Provider) -> None:
    with pytest.raises(NoAnswer, match="private address"):
        Https(1.0, environ={}).send(_request("localhost", provider.port))
    assert not provider.seen


def test_an_unknown_authority_gets_nothing(provider: Provider) -> None:
    transport = Https(5.0, resolve=lambda _: [("127.0.0.1", provider.port)], environ={})
    with pytest.raises(NoAnswer, match="certificate"):
        transport.send(_request())
    assert not provider.seen


def test_another_host_than_the_certificates_gets_nothing(
    provider: Provider, authority: tuple[Path, Path]
) -> None:
    context = ssl.create_default_context(cafile=str(authority[0]))
    transport = Https(5.0, resolve=lambda _: [("127.0.0.1", provider.port)], context=context, environ={})
    with pytest.raises(NoAnswer, match="certificate"):
        transport.send(_request("api.evil.com"))
    assert not provider.seen


def test_a_closed_port_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NoAnswer, match="no connection"):
        Https(1.0, resolve=lambda _: [("127.0.0.1", port)], environ={}).send(_request())


class Relay:
    """A proxy that connects every CONNECT to one port."""

    def __init__(self, target: int, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> None:
        self.heads: list[bytes] = []
        self._target, self._answer = target, answer
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head and (more := client.recv(4096)):
                head += more
            self.heads.append(head)
            client.sendall(self._answer)
            if b" 200 " not in self._answer:
                return
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def relay(provider: Provider) -> Iterator[Relay]:
    running = Relay(provider.port)
    yield running
    running.close()


def test_a_proxy_carries_tls_it_cannot_read(
    provider: Provider, authority: tuple[Path, Path], relay: Relay
) -> None:
    provider.answers(Reply(200, {"login": "octocat"}))
    context = ssl.create_default_context(cafile=str(authority[0]))
    environ = {"HTTPS_PROXY": f"http://user:pass%40word@127.0.0.1:{relay.port}"}
    assert Https(5.0, context=context, environ=environ).send(_request()).status == 200
    (head,) = relay.heads
    assert head.startswith(b"CONNECT api.github.com:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNzQHdvcmQ=\r\n" in head
    assert b"s3cret" not in head


def test_a_proxy_that_refuses_is_no_answer(provider: Provider) -> None:
    refusing = Relay(provider.port, b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    transport = Https(5.0, f"http://127.0.0.1:{refusing.port}", environ={})
    with pytest.raises(NoAnswer, match="the proxy answered 407"):
        transport.send(_request())
    refusing.close()


def test_which_proxy_is_taken() -> None:
    environ = {"https_proxy": "http://proxy.example.com:3128", "NO_PROXY": "localhost, .internal.example.com"}
    assert proxy_for("api.github.com", environ) == Proxy("proxy.example.com", 3128)
    assert proxy_for("git.internal.example.com", environ) is None
    assert proxy_for("api.github.com", environ, "other:8080") == Proxy("other", 8080)
    assert proxy_for("api.github.com", {}) is None
    assert proxy_for("api.github.com", {**environ, "NO_PROXY": "*"}) is None


@pytest.mark.parametrize(
    "url", ["https://user:hunter2@proxy:1", "socks5://user:hunter2@p", "http://user:hunter2@p:x"]
)
def test_a_proxy_of_another_kind_is_refused_without_its_login(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        proxy_at(url)
    assert "hunter2" not in str(refused.value)


def test_nothing_prints_what_is_sent() -> None:
    assert "s3cret" not in repr(_request())
    assert "pass" not in repr(proxy_at("http://user:pass@proxy:3128"))
