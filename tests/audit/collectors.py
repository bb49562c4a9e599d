"""Collectors on loopback: real sockets and servers that keep what they are sent."""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import cast

from strongroom.audit.cursor import Device
from strongroom.audit.devices.options import DevicePolicy
from strongroom.audit.devices.outbound import Outbound
from strongroom.audit.sinks import DEVICES
from strongroom.clock import FakeClock

Make = Callable[[str], Device]  # from the collector's address


class Kept:
    """What arrived, and a way to wait for it."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._changed = asyncio.Event()

    def add(self, *lines: bytes) -> None:
        self.lines += lines
        self._changed.set()

    async def received(self) -> list[bytes]:
        while not self.lines:
            self._changed.clear()
            await self._changed.wait()
        return self.lines

    async def until(self, last: bytes) -> list[bytes]:
        while last not in self.lines:
            self._changed.clear()
            await self._changed.wait()
        return self.lines


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class StreamCollector(Kept):
    """TCP, TLS or a local stream socket; `split` takes complete messages off the front of a buffer."""

    def __init__(
        self,
        make: Make,
        split: Callable[[bytearray], list[bytes]],
        path: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        self._make = make
        self._split = split
        self._path = path
        self._tls = tls
        self.port = free_port()
        self._server: asyncio.Server | None = None
        self._peers: set[asyncio.StreamWriter] = set()
        self._serving: list[asyncio.Task[None]] = []

    def device(self) -> Device:
        return self._make(str(self._path) if self._path else f"127.0.0.1:{self.port}")

    async def start(self) -> None:
        if self._path is not None:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for peer in list(self._peers):
            peer.transport.abort()
        await self._server.wait_closed()
        await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._peers.add(writer)
        self._serving.append(cast("asyncio.Task[None]", asyncio.current_task()))
        buffer = bytearray()
        try:
            while block := await reader.read(65536):
                buffer += block
                self.add(*self._split(buffer))
        except ConnectionError:
            pass
        finally:
            self._peers.discard(writer)
            writer.close()


class DatagramCollector(Kept, asyncio.DatagramProtocol):
    """UDP or a local datagram socket."""

    def __init__(self, make: Make, unpack: Callable[[bytes], bytes], path: Path | None = None) -> None:
        super().__init__()
        self._make = make
        self._unpack = unpack
        self._path = path
        self.port = free_port(socket.SOCK_DGRAM)
        self._transport: asyncio.DatagramTransport | None = None

    def device(self) -> Device:
        return self._make(str(self._path) if self._path else f"127.0.0.1:{self.port}")

    async def start(self) -> None:
        made = socket.socket(socket.AF_UNIX if self._path else socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        made.bind(str(self._path) if self._path else ("127.0.0.1", self.port))
        made.setblocking(False)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=made)

    async def stop(self) -> None:
        assert self._transport is not None
        self._transport.close()
        await asyncio.sleep(0)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.add(self._unpack(data))


class HttpCollector(Kept):
    """A small HTTP/1.1 server: keeps bodies and headers, answers what it is told to."""

    def __init__(self, make: Make, status: int = 204, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self._make = make
        self._tls = tls
        self.status = status
        self.port = free_port()
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self._server: asyncio.Server | None = None
        self._peers: set[asyncio.StreamWriter] = set()
        self._serving: list[asyncio.Task[None]] = []

    def device(self) -> Device:
        return self._make(f"http{'s' if self._tls else ''}://localhost:{self.port}/audit")

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for peer in list(self._peers):
            peer.transport.abort()
        await self._server.wait_closed()
        await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._peers.add(writer)
        self._serving.append(cast("asyncio.Task[None]", asyncio.current_task()))
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._peers.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((head[0], headers, body))
        if self.status < 300:
            self.add(*body.splitlines())
        writer.write(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\nLocation: /elsewhere\r\n\r\n" % self.status)
        await writer.drain()
        return True


def take_lines(buffer: bytearray) -> list[bytes]:
    """Newline framing."""
    *lines, rest = bytes(buffer).split(b"\n")
    buffer[:] = rest
    return lines


def take_counted(buffer: bytearray) -> list[bytes]:
    """RFC 6587 §3.4.1 octet counting."""
    found = []
    while (match := re.match(rb"([1-9][0-9]*) ", buffer)) and len(buffer) >= match.end() + int(match[1]):
        end = match.end() + int(match[1])
        found.append(message_of(bytes(buffer[match.end() : end])))
        del buffer[:end]
    return found


def message_of(packet: bytes) -> bytes:
    """The MSG of an RFC 5424 message, whose header must have the shape of §6."""
    match = re.fullmatch(
        rb"<([0-9]{1,3})>1 ([0-9T:.-]+Z|-) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) - (.+)",
        packet,
        re.DOTALL,
    )
    assert match is not None, packet[:200]
    return match[7]


def policy(directory: Path | None = None, *sockets: Path) -> DevicePolicy:
    allowed = ["127.0.0.1", "localhost", *(f"unix:{path}" for path in sockets)]
    return DevicePolicy(Outbound(allowed), FakeClock(), directory)


def maker(kind: str, rules: DevicePolicy, **options: str) -> Callable[[str], Device]:
    """Builds a device for an address, which is put wherever an option says `{}`."""
    return lambda address: DEVICES[kind](
        {name: value.replace("{}", address) for name, value in options.items()}, rules
    )
