"""The listening address: parsing it, whether it is loopback, binding it."""

import ipaddress
import socket
from dataclasses import dataclass

from strongroom.server.problems import StartFailed


@dataclass(frozen=True, slots=True)
class Address:
    """A numeric host and a port; port 0 lets the system choose."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str) -> Address:
    """Read `127.0.0.1:8200`, `[::1]:8200` or `localhost:8200`. Raises StartFailed."""
    host, _, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    try:
        if not port.isdecimal() or int(port) > 65535:
            raise ValueError
        return Address(str(ipaddress.ip_address(host)), int(port))
    except ValueError:
        raise StartFailed(
            f"cannot listen on '{text}'",
            "An address is a numeric host and a port.",
            "Use for example --listen 127.0.0.1:8200 or --listen [::]:8200.",
        ) from None


def bind(address: Address) -> socket.socket:
    """A bound TCP socket. Raises StartFailed when the address is taken or foreign."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
    except OSError as error:
        listening.close()
        raise StartFailed(
            f"cannot listen on {address}",
            f"{error.strerror}",
            "Stop what listens there, or choose another address with --listen.",
        ) from None
    return listening
