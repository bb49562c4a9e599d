"""One request over https: bounded in time and size, no redirects, no address but permitted ones.

Through a proxy (HTTPS_PROXY) the request goes by CONNECT, so TLS is with the
provider; the proxy then looks the name up.
"""

from __future__ import annotations

import base64
import http.client
import os
import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from strongroom.errors import InvalidRequest
from strongroom.scanner.verify.addresses import Forbidden, permitted
from strongroom.scanner.verify.judge import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from strongroom.scanner.verify.fill import Request

BODY_LIMIT = 256 << 10


class NoAnswer(Exception):
    """Nothing came back that could be judged; the message names the host's fault, never a value."""


class Transport(Protocol):
    """What carries a request to a provider."""

    def send(self, request: Request) -> Answer:
        """Return the answer. Raises NoAnswer."""
        ...


class Proxy(NamedTuple):
    """A proxy: where it is and the header that logs in there."""

    host: str
    port: int
    login: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


def proxy_at(url: str) -> Proxy:
    """Read `http://[user:password@]host[:port]`. Raises InvalidRequest without telling the login."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        port = parts.port or 80
    except ValueError:
        port = 0
    if parts.scheme != "http" or not parts.hostname or not port:
        raise InvalidRequest("the proxy is not of the form http://host:port")
    login = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(parts.hostname, port, login)


def proxy_for(host: str, environ: Mapping[str, str], chosen: str = "") -> Proxy | None:
    """The proxy for `host`: the one `chosen`, else the environment's unless NO_PROXY names the host."""
    url = chosen
    if not url:
        url = next((environ[name] for name in ("https_proxy", "HTTPS_PROXY") if environ.get(name)), "")
        spared = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
        entries = [entry.strip().lstrip(".").lower() for entry in spared.split(",") if entry.strip()]
        if any(entry in ("*", host) or host.endswith("." + entry) for entry in entries):
            return None
    return proxy_at(url) if url else None


class Https:
    """The transport of the product. Tests give `resolve` and `context` to reach a local server."""

    def __init__(
        self,
        timeout: float = 10.0,
        proxy: str = "",
        resolve: Callable[[Request], list[tuple[str, int]]] | None = None,
        context: ssl.SSLContext | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.timeout = timeout
        self._proxy = proxy
        self._resolve = resolve or _resolved
        self._context = context or ssl.create_default_context()
        self._environ = environ

    def send(self, request: Request) -> Answer:
        """Return the answer. Raises NoAnswer: no address, no connection, no TLS, too slow, no HTTP."""
        try:
            plain = self._connected(request)
        except Forbidden as error:
            raise NoAnswer(str(error)) from None
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"no connection ({_cause(error)})") from None
        handle = plain.dup()  # outlives the change to TLS
        watchdog = threading.Timer(self.timeout * 2, _cut, (handle,))
        watchdog.daemon = True
        watchdog.start()
        try:
            with plain, self._context.wrap_socket(plain, server_hostname=request.host) as secure:
                return _exchange(request, secure)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer(_cause(error)) from None
        finally:
            watchdog.cancel()
            handle.close()

    def _connected(self, request: Request) -> socket.socket:
        proxy = proxy_for(request.host, self._environ, self._proxy)
        if proxy is None:
            return _first(self._resolve(request), self.timeout)
        plain = socket.create_connection((proxy.host, proxy.port), self.timeout)
        try:
            _tunnel(plain, request, proxy)
        except BaseException:
            plain.close()
            raise
        return plain


def _resolved(request: Request) -> list[tuple[str, int]]:
    found = permitted(request.host, request.port, private=request.named)
    return [(address, request.port) for address in found]


def _first(places: list[tuple[str, int]], timeout: float) -> socket.socket:
    """A connection to the first of `places` that takes one."""
    fault: OSError = OSError("no address")
    for place in places[:4]:
        try:
            return socket.create_connection(place, timeout)
        except OSError as error:
            fault = error
    raise fault


def _tunnel(plain: socket.socket, request: Request, proxy: Proxy) -> None:
    place = f"{request.host}:{request.port}"
    login = f"Proxy-Authorization: {proxy.login}\r\n" if proxy.login else ""
    plain.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{login}\r\n".encode("ascii"))
    head = b""
    while b"\r\n\r\n" not in head:
        byte = plain.recv(1)  # one at a time: what follows belongs to TLS
        if not byte or len(head) > 8192:
            raise OSError("the proxy hung up")
        head += byte
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or words[1] != b"200":
        status = words[1].decode("ascii", "replace") if len(words) > 1 else "?"
        raise http.client.HTTPException(f"the proxy answered {status[:3]}")


def _exchange(request: Request, secure: ssl.SSLSocket) -> Answer:
    connection = http.client.HTTPConnection(request.host, request.port)
    connection.sock = secure
    host = request.host if request.port == 443 else f"{request.host}:{request.port}"
    headers = {"Host": host, **request.headers, "Connection": "close"}
    connection.request(request.method, request.target, request.body or None, headers)
    with connection.getresponse() as reply:
        body = reply.read(BODY_LIMIT + 1)
        if reply.length and len(body) <= BODY_LIMIT and request.method != "HEAD":
            raise http.client.IncompleteRead(b"", reply.length)
        found = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, found, body[:BODY_LIMIT], len(body) > BODY_LIMIT)


def _cut(handle: socket.socket) -> None:
    """End a connection that takes too long, whoever waits on it."""
    with suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)


def _cause(error: Exception) -> str:
    """A fault in few words; foreign messages may quote what was sent, so only known ones are shown."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, socket.gaierror):
        return "name not found"
    if isinstance(error, http.client.HTTPException) and str(error).startswith("the proxy answered"):
        return str(error)
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no valid HTTP"
