"""One client connection: bytes → Call, the API answers, Answer → bytes. One request at a time.

Deadlines are ticks of the listener's sweep, so a request arms no timer. Each
state has one: waiting (idle), a head or a body half read, an answer being made,
an answer the client does not read, lingering after a refusal.
"""

import asyncio
from typing import TYPE_CHECKING, cast

from strongroom.api.errors import refusal
from strongroom.api.exchange import Answer, Call
from strongroom.server.http1 import BadFraming, Chunked, Fields, Head, parse_fields, parse_head
from strongroom.server.repeats import content_fields
from strongroom.server.state import State

if TYPE_CHECKING:
    from strongroom.server.listener import Listener

_RETRY = ((b"retry-after", b"1"),)
_LINGER_SECONDS = 2
_PIPELINED_BYTES = 64 * 1024
_WRITE_BYTES = 1024 * 1024
_NO_BODY = (204, 304)
_CLOSE = b"connection: close\r\n"


class Connection(asyncio.Protocol):
    """The protocol of one connection, owned by its listener."""

    __slots__ = (
        "_block", "_body", "_buffer", "_certificate", "_chunks", "_client", "_ended", "_fields",
        "_head", "_keep", "_limit", "_listener", "_paused", "_peer", "_rest", "_task", "_transport",
        "_writable", "deadline", "state",
    )  # fmt: skip

    def __init__(self, listener: "Listener") -> None:
        self._listener = listener
        self._buffer = bytearray()
        self._body = bytearray()
        self._block = self._rest = self._client = b""
        self._fields: Fields | None = None
        self._head: Head | None = None
        self._chunks: Chunked | None = None
        self._task: asyncio.Task[None] | None = None
        self._limit = 0
        self._keep = True
        self._ended = self._paused = False
        self._writable = True
        self._certificate = b""
        self._peer = ""
        self.state = State.IDLE
        self.deadline = listener.tick + listener.limits.idle_seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is done, when there is one."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        secured = transport.get_extra_info("ssl_object")
        if secured is not None:
            self._certificate = secured.getpeercert(binary_form=True) or b""
        self._transport.set_write_buffer_limits(high=_WRITE_BYTES)
        if not self._listener.admit(self):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone; what it asked for runs to its end, unread."""
        self._listener.release(self, len(self._body))
        self._buffer.clear()
        self.state = State.LINGER

    def eof_received(self) -> bool:
        """A half-closed client still gets the answers it waits for."""
        self._ended = True
        return self.state in (State.ANSWER, State.WRITE)

    def pause_writing(self) -> None:
        """The client reads slower than it asks."""
        self._writable = False
        if self.state is not State.LINGER:
            self.deadline = self._listener.tick + self._listener.limits.write_seconds

    def resume_writing(self) -> None:
        """The client has caught up: its next request may be looked at."""
        self._writable = True
        if self.state is State.WRITE:
            self._next()

    def data_received(self, data: bytes) -> None:
        """Take bytes; ahead of the answer they wait, and past a limit the socket does."""
        if self.state is State.LINGER:
            return
        if self._client and self.state is State.IDLE and not self._buffer and self._repeat(data):
            return
        self._buffer += data
        if self.state in (State.ANSWER, State.WRITE):
            if len(self._buffer) > _PIPELINED_BYTES and not self._paused:
                self._paused = True
                self._transport.pause_reading()
            return
        self._advance()

    def _repeat(self, data: bytes) -> bool:
        """Give again the answer to a request that came before, byte for byte; False when there is none."""
        if not data.endswith(self._rest):
            return False
        if not self._listener.repeats.begin(self._client + data[: -len(self._rest)], self._given):
            return False
        self.state = State.ANSWER
        self.deadline = self._listener.tick + self._listener.limits.request_seconds
        return True

    def _given(self, answer: Answer | bytes) -> None:
        if self.state is not State.ANSWER:
            return
        self._keep = self._keep and not self._listener.draining
        if isinstance(answer, Answer):
            self._send(answer)
        else:
            self._transport.write(self._listener.head_of(200) + (b"" if self._keep else _CLOSE) + answer)
        self._finish_request()

    def _advance(self) -> None:
        try:
            head = self._head or self._read_head()
            if head is not None and (head.fields.length == 0 or self._read_body(head)):
                self._ask(head)
        except BadFraming as error:
            self._refuse(error.status, str(error))

    def _read_head(self) -> Head | None:
        """Parse the head once it is whole; the same fields as last time are not parsed again."""
        buffer, limit = self._buffer, self._listener.limits.header_bytes
        while buffer[:2] == b"\r\n":  # RFC 9112 §2.2: a blank line before a request is skipped
            del buffer[:2]
        end = buffer.find(b"\r\n\r\n", 0, limit)
        if end < 0:
            self._await_head(buffer, limit)
            return None
        line_end = buffer.find(b"\r\n", 0, end + 2)
        line, block = bytes(buffer[:line_end]), bytes(buffer[line_end:end])
        if self._fields is None or block != self._block:
            self._fields, self._block, self._client = parse_fields(block), block, b""
        head = self._head = parse_head(line, self._fields)
        del buffer[: end + 4]
        if head.fields.length:
            self._begin_body(head)
        return head

    def _await_head(self, buffer: bytearray, limit: int) -> None:
        if len(buffer) >= limit:
            raise BadFraming("the header is too large", 431)
        if b"\n\n" in buffer or buffer.find(b"\n") == 0:
            raise BadFraming("a line ends without a carriage return")
        if buffer and self.state is State.IDLE:
            self.state = State.HEAD
            self.deadline = self._listener.tick + self._listener.limits.header_seconds

    def _begin_body(self, head: Head) -> None:
        """Refuse a body that is too large before any of it is kept."""
        length = head.fields.length
        self._limit = self._listener.body_limits.of(head.path, head.fields.headers)
        if length > self._limit:
            raise BadFraming(f"the body is larger than {self._limit} bytes", 413)
        if length < 0:
            self._chunks = Chunked()
        self.state = State.BODY
        self.deadline = self._listener.tick + self._listener.limits.body_seconds
        if head.fields.expects_continue and not self._buffer:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _read_body(self, head: Head) -> bool:
        """Take what there is of the body; True once it is whole."""
        before = len(self._body)
        if self._chunks is not None:
            self._chunks.feed(self._buffer, self._body)
            whole = self._chunks.done
            if len(self._body) > self._limit:
                raise BadFraming(f"the body is larger than {self._limit} bytes", 413)
        else:
            missing = head.fields.length - before
            piece = self._buffer[:missing]
            self._body += piece
            del self._buffer[: len(piece)]
            whole = len(self._body) == head.fields.length
        if not self._listener.reserve(len(self._body) - before):
            raise BadFraming("too many request bodies at once", 503)
        return whole

    def _ask(self, head: Head) -> None:
        call = Call(
            head.method, head.path, head.query, head.fields.headers, bytes(self._body), self._peer,
            self._certificate,
        )  # fmt: skip
        listener = self._listener
        self.state = State.ANSWER
        self.deadline = listener.tick + listener.limits.request_seconds
        self._task = listener.loop.create_task(self._answer(call, keep_alive=head.keep_alive))

    async def _answer(self, call: Call, *, keep_alive: bool) -> None:
        try:
            answer = await self._listener.api.answer(call)
        except asyncio.CancelledError:
            answer = refusal(503, "the request took too long", headers=_RETRY)
            self._keep = False
        self._task = None
        if self.state is not State.ANSWER:
            return
        self._keep = self._keep and keep_alive and not self._listener.draining
        self._send(answer, with_body=call.method != "HEAD")
        if answer.again is not None and self._keep:
            self._keep_answer(call, answer)
        self._finish_request()

    def _keep_answer(self, call: Call, answer: Answer) -> None:
        """What the same bytes on this or another connection may be given again."""
        head = self._head
        if head is None or head.fields.length or call.method != "GET" or call.query:
            return
        if not self._client:
            self._client, self._rest = self._listener.repeats.client(call), self._block + b"\r\n\r\n"
        self._listener.repeats.keep(self._client + head.line, answer)

    def _finish_request(self) -> None:
        self._head = self._chunks = None
        if self._body:
            self._listener.reserve(-len(self._body))
            self._body = bytearray()
        if not self._keep:
            self._linger()
        elif self._writable:
            self._next()
        else:
            self.state = State.WRITE

    def _next(self) -> None:
        """Wait for the next request, or take the one that is here already."""
        self.state = State.IDLE
        self.deadline = self._listener.tick + self._listener.limits.idle_seconds
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        if self._buffer:
            self._advance()
        if self.state not in (State.ANSWER, State.LINGER) and (self._ended or self._listener.draining):
            self._transport.close()

    def _send(self, answer: Answer, *, with_body: bool = True) -> None:
        status, body = answer.status, answer.body
        head = self._listener.head_of(status)
        if status not in _NO_BODY:
            head += content_fields(answer.content_type, len(body))
        for header in answer.headers:
            head += b"%b: %b\r\n" % header
        if not self._keep:
            head += _CLOSE
        self._transport.write(b"%b\r\n%b" % (head, body if with_body and status not in _NO_BODY else b""))

    def _refuse(self, status: int, reason: str) -> None:
        self._keep = False
        self._send(refusal(status, reason, headers=_RETRY if status == 503 else ()))
        self._finish_request()

    def _linger(self) -> None:
        """Close after the answer, letting the client read it: unread bytes would reset it away."""
        self.state = State.LINGER
        self.deadline = self._listener.tick + _LINGER_SECONDS
        self._buffer.clear()
        if self._paused:
            self._transport.resume_reading()
        if self._ended or not self._transport.can_write_eof():
            self._transport.close()
        else:
            self._transport.write_eof()

    def expire(self) -> None:
        """The deadline of the present state has passed."""
        if self.state is State.IDLE:
            self.drain()
        elif self.state in (State.HEAD, State.BODY):
            self._refuse(408, "the request took too long to arrive")
        elif self.state is State.ANSWER and self._task is not None:
            self.deadline = self._listener.tick + _LINGER_SECONDS
            self._task.cancel()
        elif self.state is State.ANSWER:
            self._refuse(503, "the request took too long")
        else:
            self._transport.abort()

    def drain(self) -> None:
        """Stop: at once when nothing is under way, else after the answer."""
        if self.state is State.IDLE:
            self._transport.close()
            self.state = State.LINGER
            self.deadline = self._listener.tick + _LINGER_SECONDS

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()
