"""A network of its own, in which the kernel drops packets: loopback's other addresses stand for other hosts."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_LIBC = ctypes.CDLL(None, use_errno=True)
_TABLE = """
add table ip hosts
add chain ip hosts cut { type filter hook output priority 0; }
add chain ip hosts forgotten { type filter hook output priority 1; }
"""


@contextmanager
def own_network() -> Iterator[None]:
    """Put this thread, and all that it starts, on a network of their own with loopback only.

    It ends with them. Raises PermissionError where that is not allowed, FileNotFoundError where there
    is no program to set it up, CalledProcessError where the kernel filters no packets.
    """
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _checked(_LIBC.unshare(_NEW_NETWORK))
        try:
            _run("ip", "link", "set", "lo", "up")
            _run("nft", "-f", "-", given=_TABLE)
            yield
        finally:
            _checked(_LIBC.setns(before, _NEW_NETWORK))
    finally:
        os.close(before)


class Firewall:
    """Stands before one address of loopback and drops what is sent to it and from it, in silence."""

    def __init__(self, host: str) -> None:
        self.host = host

    def cut(self) -> None:
        """Drop every packet: no connection is made, and those there are hear nothing more."""
        self._drop("daddr")
        self._drop("saddr")

    def cut_answers(self) -> None:
        """Drop what comes from it only."""
        self._drop("saddr")

    def _drop(self, side: str) -> None:
        _run("nft", "add", "rule", "ip", "hosts", "cut", "ip", side, self.host, "drop")

    def mend(self) -> None:
        """Let packets pass: what was sent meanwhile is sent again."""
        _run("nft", "flush", "chain", "ip", "hosts", "cut")

    def forget(self) -> None:
        """Drop what belongs to present connections, for good; new ones work."""
        for port in _ports_towards(self.host):
            for ends in (("daddr", "sport"), ("saddr", "dport")):
                rule = ("ip", ends[0], self.host, "tcp", ends[1], str(port), "drop")
                _run("nft", "add", "rule", "ip", "hosts", "forgotten", *rule)


def _ports_towards(host: str) -> list[int]:
    """The near ports of this network's connections to an address."""
    wanted = IPv4Address(host).packed[::-1].hex().upper()
    lines = Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]
    ends = [line.split()[1:3] for line in lines]
    return [int(near.partition(":")[2], 16) for near, far in ends if far.partition(":")[0] == wanted]


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _run(*command: str, given: str = "") -> None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    subprocess.run(
        command, input=given, text=True, check=True, capture_output=True, env={**os.environ, "PATH": path}
    )
