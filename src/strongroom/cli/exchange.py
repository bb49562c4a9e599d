"""One HTTP/1.1 connection (RFC 9112), as much of it as a client of an API needs.

The standard library's client imports the e-mail package to read header fields, which would cost
every command, and every key press that completes a path, more than all the rest of it. Here the
time limit also holds for a whole answer, not for each read.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

BLOCK = 1 << 16
MAX_HEAD = 1 << 16
BLANK = b"\r\n\r\n"


class BadAnswer(OSError):
    """What came back is no HTTP, or it ended in the middle."""

    def __init__(self, why: str) -> None:
        super().__init__(0, why)


class NotHttp(BadAnswer):
    """Not even the head of an answer came back: perhaps one side speaks TLS and the other does not."""


class Reply(NamedTuple):
    """A status, header fields by lower-case name, the body, and whether the connection ends here."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    closes: bool


class Connection:
    """A connection to one host. `limit` is in seconds, for connecting and for each answer."""

    def __init__(
        self, host: str, port: int, limit: float, tls: ssl.SSLContext | None = None, name: str = ""
    ) -> None:
        self._host = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.limit = limit
        self._deadline = time.monotonic() + limit
        self._left = b""
        self._socket: socket.socket = socket.create_connection((host, port), limit)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                self._socket = tls.wrap_socket(self._socket, server_hostname=name or host)
        except BaseException:
            self._socket.close()
            raise

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Send one request and read its answer. Raises OSError; ValueError for a forbidden character."""
        fields = {"Host": self._host, "User-Agent": "strongroom", **headers}
        if body is not None:
            fields["Content-Length"] = str(len(body))
        for value in (target, *fields.values()):
            if not value.isprintable():
                raise ValueError("a request line or header field holds a control character")
        lines = [
            f"{method} {target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields.items()),
            "",
            "",
        ]
        self._deadline = time.monotonic() + self.limit
        self._socket.settimeout(self.limit)
        self._socket.sendall("\r\n".join(lines).encode("latin-1") + (body or b""))
        return self._reply()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _reply(self) -> Reply:
        while True:
            status, headers = self._head()
            if status >= 200:
                break
        closes = "close" in headers.get("connection", "").lower()
        if status in (204, 304):
            return Reply(status, headers, b"", closes)
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return Reply(status, headers, self._chunks(), closes)
        length = headers.get("content-length")
        if length is None:
            return Reply(status, headers, self._rest(), True)
        if not length.isdecimal():
            raise BadAnswer("The length of the answer is not a number")
        return Reply(status, headers, self._exactly(int(length)), closes)

    def _head(self) -> tuple[int, dict[str, str]]:
        while BLANK not in self._left:
            if len(self._left) > MAX_HEAD:
                raise NotHttp("The head of the answer does not end")
            block = self._receive(ends=True)
            if not block:
                raise NotHttp("It hung up without an answer")
            self._left += block
        head, _, self._left = self._left.partition(BLANK)
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ", 2)
        if not first.startswith("HTTP/1.") or len(words) < 2 or not words[1].isdecimal():
            raise NotHttp("The answer is not HTTP")
        pairs = (line.partition(":") for line in lines)
        return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}

    def _chunks(self) -> bytes:
        body = []
        while size := self._chunk_size():
            body.append(self._exactly(size))
            self._exactly(2)
        while self._line():
            pass
        return b"".join(body)

    def _chunk_size(self) -> int:
        try:
            return int(self._line().partition(b";")[0], 16)
        except ValueError:
            raise BadAnswer("The answer is cut into pieces that make no sense") from None

    def _line(self) -> bytes:
        while b"\r\n" not in self._left:
            self._left += self._receive()
        line, _, self._left = self._left.partition(b"\r\n")
        return line

    def _exactly(self, size: int) -> bytes:
        blocks, have = [self._left], len(self._left)
        while have < size:
            blocks.append(self._receive())
            have += len(blocks[-1])
        whole = b"".join(blocks)
        self._left = whole[size:]
        return whole[:size]

    def _rest(self) -> bytes:
        blocks = [self._left]
        self._left = b""
        while block := self._receive(ends=True):
            blocks.append(block)
        return b"".join(blocks)

    def _receive(self, *, ends: bool = False) -> bytes:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        block = self._socket.recv(BLOCK)
        if not block and not ends:
            raise BadAnswer("It hung up in the middle of the answer")
        return block
