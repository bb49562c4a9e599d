"""A listener over a fake door, driven through real sockets; the clock's sweep is turned by hand."""

import asyncio
import socket
import ssl
from dataclasses import dataclass, field

from strongroom.api.app import Api
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Operation, Request, Response
from strongroom.server.limits import Limits
from strongroom.server.listener import Listener

HELD = "held"


@dataclass
class Door:
    """Answers with what it was asked; `held` paths wait until `release`."""

    seen: list[Request] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: Request) -> Response:
        self.seen.append(request)
        self.entered.set()
        if request.path.startswith(HELD):
            await self.held.wait()
        if request.path.startswith("missing"):
            raise NotFound
        if request.path.startswith("bug"):
            raise RuntimeError("s3cr3t-canary")
        if request.path.startswith("big"):
            return Response({"blob": "x" * 8_000_000})
        if request.operation is Operation.WRITE and not isinstance(request.fields, dict):
            raise InvalidRequest("unreachable")
        return Response({"path": request.path, "length": len(request.body)})


class Rig:
    """Starts a listener on a free port of loopback and opens raw connections to it."""

    def __init__(self) -> None:
        self.door = Door()
        self.reported: list[str] = []
        self.listener: Listener | None = None
        self.port = 0
        self.passed = 0.0

    async def start(self, limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> "Rig":
        api = Api(self.door.handle, report=lambda _, error: self.reported.append(type(error).__name__))
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.listener = Listener(api, limits or Limits(), tls=tls, sweep=3600)
        await self.listener.start(listening)
        return self

    @property
    def running(self) -> Listener:
        assert self.listener is not None
        return self.listener

    async def connect(
        self, tls: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=tls, server_hostname="localhost" if tls else None, limit=2**24
        )

    async def ask(self, raw: bytes) -> bytes:
        """Send bytes, close the sending side, and return all that comes back."""
        reader, writer = await self.connect()
        writer.write(raw)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answer

    def pass_time(self, seconds: float) -> None:
        """Let the sweep believe that time has passed."""
        self.passed += seconds
        self.running.sweep(self.running.loop.time() + self.passed)

    async def close(self) -> None:
        if self.listener is not None:
            self.door.held.set()
            await self.listener.stop()


def get(path: str = "/v1/secret/a", *headers: str, method: str = "GET") -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", "")
    return "\r\n".join(lines).encode()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """One response from a stream."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    length = int(headers.get("content-length", "0"))
    return int(head[0].split()[1]), headers, await reader.readexactly(length)
