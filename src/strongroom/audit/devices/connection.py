"""A connection to a collector: TCP, TLS, UDP or a local socket, opened when first needed."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from strongroom.audit.devices.outbound import Outbound
from strongroom.errors import InvalidRequest

Scheme = Literal["tcp", "tls", "udp", "unix", "unixgram"]
_STREAMS = frozenset({"tcp", "tls", "unix"})


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to connect: host and port, or the path of a local socket."""

    scheme: Scheme
    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, scheme: Scheme, address: str) -> "Destination":
        """Read `host:port`, or a path for local sockets. Raises InvalidRequest."""
        if scheme in ("unix", "unixgram"):
            if not address.startswith("/"):
                raise InvalidRequest("a local socket is named by its absolute path")
            return cls(scheme, path=address)
        try:
            parts = urlsplit(f"//{address}")
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise InvalidRequest("an address is spelled host:port") from error
        if not host or not port or parts.netloc != address or "@" in address:
            raise InvalidRequest("an address is spelled host:port")
        return cls(scheme, host, port)

    @property
    def stream(self) -> bool:
        """Whether messages are one stream of bytes, not packets."""
        return self.scheme in _STREAMS


class Connection:
    """Sends messages; after an error the next `send` connects afresh."""

    def __init__(self, to: Destination, outbound: Outbound, timeout: float, ca_pem: str = "") -> None:
        """Raises InvalidRequest when the configuration does not allow the destination."""
        if to.path:
            outbound.permit_unix(to.path)
        else:
            outbound.permit(to.host, to.port)
        self.to = to
        self._outbound = outbound
        self._timeout = timeout
        self._tls = tls_context(ca_pem) if to.scheme == "tls" else None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._datagrams: socket.socket | None = None

    async def send(self, messages: Sequence[bytes]) -> None:
        """Hand messages to the kernel, within the timeout. A stream gets them end to end."""
        try:
            async with asyncio.timeout(self._timeout):
                if self.to.stream:
                    await self._send_stream(b"".join(messages))
                else:
                    await self._send_datagrams(messages)
        except BaseException:  # cancelling too leaves a stream in the middle of a message
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._datagrams is not None:
            self._datagrams.close()
            self._datagrams = None
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            await asyncio.gather(_closed(writer), return_exceptions=True)

    async def _send_stream(self, block: bytes) -> None:
        if self._streams is not None and self._streams[0].at_eof():
            await self.close()  # the peer hung up since the last message; nothing is lost yet
        if self._streams is None:
            self._streams = await self._connect()
            # drain then waits for the kernel to take all; 0 would stop a TLS transport for good
            self._streams[1].transport.set_write_buffer_limits(high=1, low=0)
        writer = self._streams[1]
        writer.write(block)
        await writer.drain()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.to.path:
            return await asyncio.open_unix_connection(self.to.path)
        address = await self._outbound.resolve(self.to.host, self.to.port)
        name = self.to.host if self._tls is not None else None
        return await asyncio.open_connection(address, self.to.port, ssl=self._tls, server_hostname=name)

    async def _send_datagrams(self, messages: Sequence[bytes]) -> None:
        if self._datagrams is None:
            self._datagrams = await self._connect_datagrams()
        await asyncio.to_thread(_send_each, self._datagrams, messages)

    async def _connect_datagrams(self) -> socket.socket:
        if self.to.path:
            return _datagram_socket(socket.AF_UNIX, self.to.path, self._timeout)
        address = await self._outbound.resolve(self.to.host, self.to.port)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return _datagram_socket(family, (address, self.to.port), self._timeout)


async def _closed(writer: asyncio.StreamWriter) -> None:
    """A peer that does not answer a TLS close is not waited for."""
    async with asyncio.timeout(1):
        await writer.wait_closed()


def _datagram_socket(
    family: socket.AddressFamily, to: str | tuple[str, int], timeout: float
) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    made.settimeout(timeout)
    try:
        made.connect(to)
    except OSError:
        made.close()
        raise
    return made


def _send_each(to: socket.socket, messages: Sequence[bytes]) -> None:
    for message in messages:
        to.send(message)


def tls_context(ca_pem: str) -> ssl.SSLContext:
    """A verifying client context; `ca_pem` replaces the system's authorities. Raises InvalidRequest."""
    try:
        context = ssl.create_default_context(cadata=ca_pem or None)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidRequest("ca_pem holds no certificate in PEM form") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
