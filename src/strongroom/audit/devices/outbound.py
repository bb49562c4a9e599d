"""Which hosts the server may reach: those the configuration names, at addresses that make sense.

A name is looked up once per connection and the connection goes to that address, so an answer that
changes between check and use (DNS rebinding) gains nothing.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Collection

from strongroom.errors import InvalidRequest, UpstreamFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "100.100.100.200", "fd00:ec2::254")))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Outbound:
    """The allow-list: `host`, `host:port`, `[v6]:port`, or `unix:/path` for a local socket.

    `who` is who may reach them, for refusals.
    """

    def __init__(self, allowed: Collection[str], who: str = "audit devices") -> None:
        self._who = who
        self._allowed = frozenset(
            entry.lower() if not entry.startswith("unix:") else entry for entry in allowed
        )

    def permit(self, host: str, port: int) -> None:
        """Raise InvalidRequest unless the configuration names this destination."""
        name = _canonical(host)
        shown = f"[{name}]" if ":" in name else name
        if not {name, shown, f"{shown}:{port}"} & self._allowed:
            raise InvalidRequest(f"the configuration does not allow {self._who} to reach {shown}:{port}")

    def permit_unix(self, path: str) -> None:
        """Raise InvalidRequest unless the configuration names this local socket."""
        if f"unix:{path}" not in self._allowed:
            raise InvalidRequest(f"the configuration does not allow {self._who} to reach unix:{path}")

    async def resolve(self, host: str, port: int) -> str:
        """The address to connect to. Raises UpstreamFailed when there is none that may be used."""
        self.permit(host, port)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(_canonical(host), port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise UpstreamFailed(f"{host} has no address") from error
        address = str(found[0][4][0])
        check_address(host, address, self._who)
        return address


def check_address(host: str, address: str, who: str = "audit devices") -> None:
    """Raise UpstreamFailed for an address no service lives at.

    Loopback is fine only for a host that is loopback by name.
    """
    plain = _unwrap(ipaddress.ip_address(address.partition("%")[0]))
    reserved = plain.is_link_local or plain.is_multicast or plain.is_unspecified or plain in _METADATA
    loopback = plain.is_loopback and _canonical(host) not in _LOOPBACK_NAMES
    if reserved or loopback:
        raise UpstreamFailed(f"{host} leads to {plain}, where {who} may not go")


def _unwrap(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that carries it."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _canonical(host: str) -> str:
    return host.lower().strip("[]").removesuffix(".")
