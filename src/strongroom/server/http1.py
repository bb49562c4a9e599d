"""HTTP/1.1 framing, bytes in and structs out: no I/O.

One grammar, matched as a whole; what does not match is refused and the
connection closed. Nothing is repaired: no bare line feeds, no folded lines, no
blank before a colon, no second length.
Source: RFC 9110, RFC 9112 (§2.2, §3.2, §5, §6, §7.1).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from strongroom.api.exchange import Headers

MAX_LINES = 100
_REMEMBERED = 4096
_REMEMBERED_LENGTH = 256

# Possessive throughout: a hostile head costs one pass, never backtracking.
_REQUEST_LINE = re.compile(rb"([A-Z]{1,16}+) ([!-~\x80-\xff]++) HTTP/1\.([01])")
_BLOCK = re.compile(rb"(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t -~\x80-\xff]*+)*+")
_LENGTH = re.compile(r"[0-9]{1,15}")
_ABSOLUTE = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8}+)[\t ]*+(?:;[\t -~\x80-\xff]*+)?")
_REPEATABLE = frozenset(
    {"accept", "accept-encoding", "accept-language", "cache-control", "connection", "cookie", "forwarded"}
    | {"pragma", "te", "trailer", "upgrade", "user-agent", "via", "x-forwarded-for", "x-vault-mfa"}
    | {"x-vault-index"}
)


class BadFraming(Exception):
    """The bytes are not the HTTP that is spoken here; `status` is the answer before closing."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(slots=True)
class Fields:
    """A block of header fields, and what it says about framing. `length` is -1 for chunked."""

    headers: Headers
    length: int
    keep_alive: bool | None
    expects_continue: bool


@dataclass(slots=True)
class Head:
    """A request up to its body. `path` and `query` are as sent, as is `line`, the first one."""

    method: str
    path: bytes
    query: bytes
    fields: Fields
    keep_alive: bool
    line: bytes = b""


def parse_request_line(line: bytes) -> tuple[str, bytes, bytes, bool]:
    """Method, path, query, and whether the version is 1.1. Raises BadFraming."""
    return _long_line(line) if len(line) > _REMEMBERED_LENGTH or b"?" in line else _short_line(line)


def _long_line(line: bytes) -> tuple[str, bytes, bytes, bool]:
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise BadFraming("malformed request line")
    method, target, minor = match.groups()
    if not target.startswith(b"/"):
        target = _origin_form(target)
    path, _, query = target.partition(b"?")
    return method.decode("ascii"), path, query, minor == b"1"


# Clients ask the same again and again. What is refused is not remembered, nor a query: it may hold anything.
_short_line = lru_cache(_REMEMBERED)(_long_line)


def _origin_form(target: bytes) -> bytes:
    absolute = _ABSOLUTE.match(target)
    if absolute is None:
        raise BadFraming("malformed request target")
    rest = target[absolute.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def parse_fields(block: bytes) -> Fields:
    """The header fields: a block of lines, each led by CRLF. Raises BadFraming."""
    if _BLOCK.fullmatch(block) is None:
        raise BadFraming("malformed header fields")
    lines = block.decode("latin-1").split("\r\n")[1:]
    if len(lines) > MAX_LINES:
        raise BadFraming(f"more than {MAX_LINES} header fields", 431)
    headers = Headers()
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip("\t ")
        if name in headers:
            if name not in _REPEATABLE:
                raise BadFraming("a header field is sent twice")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return Fields(headers, _body_length(headers), _keep_alive(headers), _expects_continue(headers))


def parse_head(line: bytes, fields: Fields) -> Head:
    """Join a request line and its fields; raises BadFraming where they do not go together."""
    method, path, query, modern = parse_request_line(line)
    if modern and "host" not in fields.headers:
        raise BadFraming("HTTP/1.1 needs a Host")
    if not modern and fields.length < 0:
        raise BadFraming("HTTP/1.0 has no transfer coding")
    keep_alive = modern if fields.keep_alive is None else fields.keep_alive
    return Head(method, path, query, fields, keep_alive, line)


def _body_length(headers: Headers) -> int:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if length is not None:
            raise BadFraming("both a length and a transfer coding")
        if coding.lower() != "chunked":
            raise BadFraming("unknown transfer coding")
        return -1
    if length is None:
        return 0
    if _LENGTH.fullmatch(length) is None:
        raise BadFraming("malformed length")
    return int(length)


def _keep_alive(headers: Headers) -> bool | None:
    """What the client asks of the connection; None leaves it to the version."""
    options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
    if "close" in options:
        return False
    return True if "keep-alive" in options else None


def _expects_continue(headers: Headers) -> bool:
    expectation = headers.get("expect")
    if expectation is None:
        return False
    if expectation.lower() != "100-continue":
        raise BadFraming("unknown expectation", 417)
    return True


class Chunked:
    """Decodes a chunked body, fed in pieces. Chunk extensions and trailers are dropped."""

    MAX_LINE = 256
    MAX_TRAILERS = 8192

    def __init__(self) -> None:
        self._left = 0
        self._state = "size"
        self._trailers = 0
        self.done = False

    def feed(self, buffer: bytearray, into: bytearray) -> None:
        """Move what is decodable from the front of `buffer` to the end of `into`. Raises BadFraming."""
        steps = {"size": self._size, "content": self._content, "end": self._end, "trailer": self._trailer}
        while not self.done and buffer and steps[self._state](buffer, into):
            pass

    def _size(self, buffer: bytearray, into: bytearray) -> bool:
        line = self._line(buffer, self.MAX_LINE)
        if line is None:
            return False
        match = _CHUNK.fullmatch(line)
        if match is None:
            raise BadFraming("malformed chunk")
        self._left = int(match[1], 16)
        self._state = "content" if self._left else "trailer"
        return True

    def _content(self, buffer: bytearray, into: bytearray) -> bool:
        piece = buffer[: self._left]
        into += piece
        del buffer[: len(piece)]
        self._left -= len(piece)
        if not self._left:
            self._state = "end"
        return True

    def _end(self, buffer: bytearray, into: bytearray) -> bool:
        if len(buffer) < 2:
            return False
        if buffer[:2] != b"\r\n":
            raise BadFraming("a chunk is longer than it says")
        del buffer[:2]
        self._state = "size"
        return True

    def _trailer(self, buffer: bytearray, into: bytearray) -> bool:
        line = self._line(buffer, self.MAX_TRAILERS)
        if line is None:
            return False
        self._trailers += len(line)
        if self._trailers > self.MAX_TRAILERS or (line and _BLOCK.fullmatch(b"\r\n" + line) is None):
            raise BadFraming("malformed trailers")
        self.done = not line
        return True

    @staticmethod
    def _line(buffer: bytearray, limit: int) -> bytes | None:
        end = buffer.find(b"\r\n", 0, limit + 2)
        if end < 0:
            if len(buffer) > limit or b"\n" in buffer:
                raise BadFraming("malformed chunk")
            return None
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        return line
