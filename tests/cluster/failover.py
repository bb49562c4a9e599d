"""Sixteen writers on all nodes while the database changes hands, and what must be true of it afterwards."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread

from tests.chaos.vault import done
from tests.chaos.writers import KINDS, Ledger, check
from tests.cluster.nodes import Cluster
from tests.contract.peers import Answer, Peer

WRITERS = 16
PATIENCE = 120.0
LONGEST = 60.0
"""Seconds within which every request is answered, whatever happens to the database."""


class Refused(Exception):
    """503: nothing was acknowledged."""


class Client(Peer):
    """Tells refusals, which an outage allows, from other answers, and keeps account of them."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(port, token)
        self.refusals: Counter[str] = Counter()
        self.longest = 0.0

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        began = time.monotonic()
        answer = super().call(method, path, body, token=token, headers=headers)
        self.longest = max(self.longest, time.monotonic() - began)
        if answer.status == 503:
            self.refusals.update(answer.body["errors"])
            raise Refused
        return answer


class Writer(Thread):
    """Writes on one node until told to stop, and reads on the others what was acknowledged."""

    def __init__(self, number: int, made: Cluster, stop: Event) -> None:
        super().__init__()
        nodes = [server.port for server in made.nodes if server is not None]
        ports = nodes[number % len(nodes) :] + nodes[: number % len(nodes)]
        self.ledger = Ledger()
        self.clients = [Client(port, made.token) for port in ports]
        self.asked = 0.0
        """When that was asked which was last acknowledged."""
        self.reads = 0
        self.failure: BaseException | None = None
        self._kind = KINDS[number % len(KINDS)]
        self._name = f"{self._kind.__name__.replace('_', '-')}-{number}"
        self._stop_asked = stop

    def run(self) -> None:
        turn = 0
        try:
            while not self._stop_asked.is_set():
                turn += 1
                self._turn(turn)
        except BaseException as error:  # the test's thread raises it
            self.failure = error
        finally:
            for client in self.clients:
                client.close()

    def _turn(self, turn: int) -> None:
        began = time.monotonic()
        try:
            self._kind(self.clients[0], self.ledger, self._name, turn)
        except Refused:
            return
        self.asked = began
        if self._name in self.ledger.values:
            for client in self.clients[1:]:
                self._read(client, turn)

    def _read(self, client: Client, turn: int) -> None:
        """What was acknowledged is what another node answers; it may refuse to."""
        try:
            answer = done(client.call("GET", f"secret/data/{self._name}"))
        except Refused:
            return
        assert answer.body["data"]["data"]["v"] == turn, "a stale read"
        self.reads += 1


class Load:
    """All writers."""

    def __init__(self, made: Cluster) -> None:
        self._stop = Event()
        self.writers = [Writer(number, made, self._stop) for number in range(WRITERS)]

    def recovered(self, since: float) -> float:
        """Seconds from `since` until every writer was acknowledged something that it asked after it."""
        while min(writer.asked for writer in self.writers) < since:
            assert time.monotonic() - since < PATIENCE, "the cluster did not recover"
            assert all(writer.failure is None for writer in self.writers), self.failures
            time.sleep(0.02)
        return time.monotonic() - since

    @property
    def failures(self) -> list[str]:
        return [repr(writer.failure) for writer in self.writers if writer.failure is not None]

    @property
    def answers(self) -> int:
        return sum(writer.ledger.size for writer in self.writers)

    @property
    def reads(self) -> int:
        return sum(writer.reads for writer in self.writers)

    @property
    def refusals(self) -> Counter[str]:
        """What was refused, by its text."""
        return sum((client.refusals for client in self._clients()), Counter())

    @property
    def longest(self) -> float:
        """The seconds the slowest request took."""
        return max(client.longest for client in self._clients())

    def _clients(self) -> Iterator[Client]:
        for writer in self.writers:
            yield from writer.clients

    def start(self) -> None:
        for writer in self.writers:
            writer.start()

    def stop(self) -> None:
        self._stop.set()
        for writer in self.writers:
            writer.join(PATIENCE)
            assert not writer.is_alive()

    def check(self, peers: list[Peer]) -> None:
        """Everything the writers were told is there, on every node."""
        assert not self.failures
        assert self.longest < LONGEST
        for writer in self.writers:
            for peer in peers:
                check(peer, writer.ledger)


@contextmanager
def load(made: Cluster) -> Iterator[Load]:
    """Writers at work, stopped at the end."""
    running = Load(made)
    running.start()
    try:
        yield running
    finally:
        running.stop()
