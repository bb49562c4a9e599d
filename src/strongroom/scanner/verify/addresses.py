"""Which addresses a live check may reach: public ones, looked up once and then used as they are."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Lookup = Callable[[str, int], list[str]]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "100.100.100.200", "fd00:ec2::254", "168.63.129.16")
)


class Forbidden(OSError):
    """The host's address is not one that a live check may reach."""


def look_up(host: str, port: int) -> list[str]:
    """The addresses of `host` as the system knows them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def permitted(host: str, port: int, *, private: bool = False, lookup: Lookup = look_up) -> list[str]:
    """The addresses of `host`; one that is not public refuses them all, lest a name mixes them.

    `private` allows private and loopback addresses, for a host that the user named;
    link-local and metadata addresses stay forbidden. Raises Forbidden, or OSError.
    """
    found = lookup(host, port)
    for text in found:
        if not _may(ipaddress.ip_address(text), private=private):
            raise Forbidden(f"{host} is at a private address")
    if not found:
        raise Forbidden(f"{host} has no address")
    return found


def _may(address: ipaddress.IPv4Address | ipaddress.IPv6Address, *, private: bool) -> bool:
    inner = _inner(address)
    if inner is not None:
        return _may(inner, private=private)
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return address.is_global or (private and (address.is_private or address.is_loopback))


def _inner(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
