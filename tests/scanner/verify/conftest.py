"""A provider on loopback: https under any name, by a local authority, with answers written as data."""

import datetime
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from strongroom.scanner.verify.transport import Https

NAMES = (
    "api.github.com",
    "gitlab.com",
    "git.example.com",
    "slack.com",
    "api.stripe.com",
    "api.twilio.com",
    "sts.us-east-1.amazonaws.com",
    "api.sendgrid.com",
    "vault.example.com",
)


class Reply(NamedTuple):
    """What the provider says to one request."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = MappingProxyType({})

    def raw(self) -> bytes:
        """The body as bytes; anything but text and bytes is sent as JSON."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class Seen(NamedTuple):
    """A request as the provider saw it."""

    method: str
    host: str
    target: str
    headers: dict[str, str]
    body: bytes


class Provider:
    """All hosts of the test on one port; `say` is asked for each reply, `seen` is what came."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seen: list[Seen] = []
        self.say: Callable[[Seen], Reply] = lambda _: Reply(404)
        self.lock = threading.Lock()

    def answers(self, *replies: Reply) -> None:
        """Give these replies in turn, the last one for ever."""
        rest = list(replies)
        self.say = lambda _: rest.pop(0) if len(rest) > 1 else rest[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: Provider
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            with self.context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
        except (OSError, ValueError):
            return  # a client that does not trust us, or has gone


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        provider: Provider = self.server.provider  # type: ignore[attr-defined] # set by the fixture
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, headers["host"], self.path, headers, self.rfile.read(length))
        with provider.lock:
            provider.seen.append(seen)
            reply = provider.say(seen)
        raw = reply.raw()
        kind = "text/plain" if isinstance(reply.body, str | bytes) else "application/json"
        fields = {"Content-Type": kind, "Content-Length": str(len(raw)), **reply.headers}
        self.send_response(reply.status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _answer  # noqa: N815 (the base class calls these)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for NAMES, which is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("authority")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in NAMES]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_file = folder / "provider.pem", folder / "provider.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return pem, key_file


@pytest.fixture
def provider(authority: tuple[Path, Path]) -> Iterator[Provider]:
    """A running provider."""
    server = _Server(("127.0.0.1", 0), _Handler, bind_and_activate=True)
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(*authority)
    server.provider = Provider(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.provider
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def transport(provider: Provider, authority: tuple[Path, Path]) -> Https:
    """The product's transport, led to the provider whatever the host."""
    context = ssl.create_default_context(cafile=str(authority[0]))
    return Https(5.0, resolve=lambda _: [("127.0.0.1", provider.port)], context=context, environ={})


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
