"""Whose address a request comes from: the peer's, unless a configured proxy speaks for another."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from strongroom.errors import InvalidRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Remotes:
    """Reads `X-Forwarded-For` from trusted proxies only; anyone else's is ignored."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)
        self._is_trusted = lru_cache(maxsize=1024)(self._contains)

    def address(self, peer: str, forwarded: str) -> str:
        """The client's address: the last one in the chain that is not a trusted proxy.

        Raises InvalidRequest when a trusted proxy sends what is no address.
        """
        if not self._trusted or not self._is_trusted(peer):
            return peer
        chain = [part.strip() for part in forwarded.split(",")]
        for hop in reversed(chain):
            try:
                trusted = self._is_trusted(hop)
            except ValueError:
                raise InvalidRequest("X-Forwarded-For holds what is no address") from None
            if not trusted:
                return hop
        return chain[0]

    def _contains(self, address: str) -> bool:
        parsed = ipaddress.ip_address(address)
        return any(parsed in network for network in self._trusted)
