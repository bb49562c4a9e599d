"""Server nodes: real processes over one database."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.vault import done
from tests.cluster.database import PASSWORD
from tests.contract.peers import Peer
from tests.server.process import Server, start


@dataclass
class Cluster:
    """Nodes on one store; each has a data directory of its own for its audit log."""

    place: Path
    url: str
    token: str = ""
    share: str = ""
    nodes: list[Server | None] = field(default_factory=list)

    def add(self) -> Peer:
        """Start another node and unseal it; the first one initialises the store."""
        self.nodes.append(None)
        return self.open(len(self.nodes) - 1)

    def open(self, number: int) -> Peer:
        """Start a node that is not running, and unseal it."""
        peer = self.launch(number)
        if not self.share:
            made = peer.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}).body
            self.share, self.token = made["keys"][0], made["root_token"]
            peer.token = self.token
        assert done(peer.call("PUT", "sys/unseal", {"key": self.share})).body["sealed"] is False
        return peer

    def launch(self, number: int) -> Peer:
        """Start a node that is not running; it is sealed."""
        os.environ["STRONGROOM_STORAGE_PASSWORD"] = PASSWORD
        try:
            server = start("--data", self.place / f"node-{number}", "--storage", self.url)
        finally:
            del os.environ["STRONGROOM_STORAGE_PASSWORD"]
        self.nodes[number] = server
        return Peer(server.port, self.token)

    def peer(self, number: int) -> Peer:
        """A connection to a running node."""
        server = self.nodes[number]
        assert server is not None
        return Peer(server.port, self.token)

    def kill(self, number: int) -> None:
        """As a power cut would."""
        server, self.nodes[number] = self.nodes[number], None
        assert server is not None
        server.process.send_signal(signal.SIGKILL)
        server.process.communicate()

    def close(self) -> None:
        for number, server in enumerate(self.nodes):
            if server is not None:
                self.kill(number)


@contextmanager
def cluster(place: Path, url: str, count: int) -> Iterator[tuple[Cluster, list[Peer]]]:
    """`count` nodes, unsealed, with a key-value mount at `secret/`."""
    made = Cluster(place, url)
    peers: list[Peer] = []
    try:
        peers.extend(made.add() for _ in range(count))
        done(peers[0].call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}))
        yield made, peers
    finally:
        for peer in peers:
            peer.close()
        made.close()
