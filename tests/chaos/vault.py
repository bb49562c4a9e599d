"""A server over a real directory that can be killed, started again and asked by many at once."""

import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

from tests.contract.peers import Answer, Peer
from tests.server.process import Server, start

T = TypeVar("T")


class Vault:
    """One data directory, and the process over it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.token = ""
        self.server: Server | None = None
        self._share = ""

    def open(self) -> Peer:
        """Start, initialise the first time, unseal."""
        self.server = start("--data", self.data)
        peer = Peer(self.server.port, self.token)
        if not self._share:
            made = peer.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}).body
            self._share, self.token = made["keys"][0], made["root_token"]
            peer.token = self.token
        assert peer.call("PUT", "sys/unseal", {"key": self._share}).body["sealed"] is False
        return peer

    def kill(self) -> None:
        """As a power cut would: no signal handler runs."""
        assert self.server is not None
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.communicate()

    def stop(self) -> int:
        assert self.server is not None
        code = self.server.stop()
        self.server.process.communicate()
        return code


def done(answer: Answer) -> Answer:
    """The answer, which must be a success."""
    assert answer.status in (200, 204), answer
    return answer


def entries(data: Path) -> Iterator[dict[str, Any]]:
    """The entries of a data directory's audit log."""
    for segment in sorted((data / "audit").glob("*.jsonl")):
        for line in segment.read_bytes().splitlines():
            entry = json.loads(line)
            if "seq" in entry:
                yield entry


def at_once(count: int, port: int, token: str, ask: Callable[[Peer, int], T]) -> list[T]:
    """What `count` callers get that all ask at the same moment, each on its own open connection."""
    ready = Barrier(count)

    def one(number: int) -> T:
        peer = Peer(port, token)
        try:
            peer.call("GET", "sys/seal-status")  # the connection is there before the race starts
            ready.wait(30)
            return ask(peer, number)
        finally:
            peer.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
