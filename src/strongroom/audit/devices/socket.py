"""Socket device: each line and a newline, over TCP, UDP or a local stream socket.

API: Vault's `socket` audit device.
"""

from collections.abc import Sequence
from typing import Literal

from strongroom.audit.devices.connection import Connection, Destination
from strongroom.audit.devices.head import fit_datagram
from strongroom.audit.devices.options import DevicePolicy, Options, Timeout, seconds


class SocketOptions(Options, frozen=True, kw_only=True):
    """`address` is host:port, or a path for `unix`."""

    address: str
    socket_type: Literal["tcp", "udp", "unix"] = "tcp"
    write_timeout: Timeout = "2s"


class SocketDevice:
    """Sends lines over a socket."""

    def __init__(self, options: SocketOptions, policy: DevicePolicy) -> None:
        """Raises InvalidRequest for an address the configuration does not allow."""
        to = Destination.parse(options.socket_type, options.address)
        self._connection = Connection(to, policy.outbound, seconds(options.write_timeout))

    async def deliver(self, lines: Sequence[bytes]) -> None:
        """Send the lines."""
        fit = (lambda line: line) if self._connection.to.stream else fit_datagram
        await self._connection.send([fit(line) + b"\n" for line in lines])

    async def settle(self) -> None:
        """Nothing to do: the protocol has no receipt."""

    def reopen(self) -> None:
        """Nothing to do: a broken connection is made again by itself."""

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()
