"""What clients of three nodes saw while the database failed over and a node was killed: one copy's history.

Registers are secrets written by check-and-set; tokens have a few uses that all clients race for.
"""

import http.client
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Generic, TypeVar

import pytest

from tests.chaos.vault import done
from tests.cluster.database import paired
from tests.cluster.linearizable import (
    EMPTY,
    UNKNOWN,
    Operation,
    Read,
    Swap,
    linearizable,
    on_register,
    on_uses,
)
from tests.cluster.nodes import Cluster, cluster
from tests.cluster.patroni import until
from tests.contract.peers import Answer, Peer

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

CLIENTS, REGISTERS, TOKENS, USES = 9, 3, 120, 4
TOKEN_SECONDS = 0.25
A = TypeVar("A")


@dataclass
class Histories(Generic[A]):
    """One for each object; threads only append."""

    each: defaultdict[int, list[Operation[A]]] = field(default_factory=lambda: defaultdict(list))

    def record(self, number: int, action: A, ask: Callable[[], object]) -> object:
        """Ask, and note what was told and when; what was not told may have happened."""
        called = time.monotonic()
        try:
            answer = ask()
        except (OSError, http.client.HTTPException):
            answer = UNKNOWN
        if answer is not UNKNOWN or not isinstance(action, Read):
            self.each[number].append(Operation(action, answer, called, time.monotonic()))
        return answer

    def counted(self, answer: object) -> int:
        return sum(found.answer is answer for history in self.each.values() for found in history)


class Client(Thread):
    """Asks one node, and another once that is gone."""

    def __init__(self, number: int, race: "Race") -> None:
        super().__init__()
        self._number = number
        self._race = race
        self._peer = race.made.peer(number % 3)
        self.asked = 0.0
        """When that was asked which was last answered."""
        self.failure: BaseException | None = None

    def run(self) -> None:
        turn = 0
        try:
            while not self._race.stop.is_set():
                turn += 1
                self._swap(turn)
                self._use()
        except BaseException as error:
            self.failure = error
        finally:
            self._peer.close()

    def _swap(self, turn: int) -> None:
        number, began = turn % REGISTERS, time.monotonic()
        seen = self._race.registers.record(number, Read(), lambda: _seen(self._call("GET", number)))
        if not isinstance(seen, tuple):
            self._elsewhere()
            return
        self.asked = began
        action = Swap(seen[0], turn * CLIENTS + self._number)
        body = {"data": {"v": action.value}, "options": {"cas": action.version}}
        self._race.registers.record(number, action, lambda: _swapped(self._call("POST", number, body)))

    def _use(self) -> None:
        number = min(TOKENS - 1, int((time.monotonic() - self._race.began) / TOKEN_SECONDS))
        token = self._race.tokens[number]
        self._race.uses.record(
            number, None, lambda: _used(self._peer.call("GET", "auth/token/lookup-self", token=token))
        )

    def _call(self, method: str, number: int, body: object = None) -> Answer:
        return self._peer.call(method, f"secret/data/register-{number}", body)

    def _elsewhere(self) -> None:
        """Where the node is gone, ask the first one."""
        if self._race.made.nodes[self._number % 3] is None:
            self._peer.close()
            self._peer = self._race.made.peer(0)


REFUSALS = (429, 503)
"""Too much at once, or no database: what was asked may have been done in part."""


def _seen(answer: Answer) -> object:
    if answer.status in REFUSALS:
        return UNKNOWN
    if answer.status == 404:
        return EMPTY
    found = done(answer).body["data"]
    return found["metadata"]["version"], found["data"]["v"]


def _swapped(answer: Answer) -> object:
    if answer.status in REFUSALS:
        return UNKNOWN
    assert answer.status in (200, 400), answer
    return answer.status == 200


def _used(answer: Answer) -> object:
    if answer.status in REFUSALS:
        return UNKNOWN
    assert answer.status in (200, 403), answer
    return answer.status == 200


class Race:
    """All clients, and what they saw."""

    def __init__(self, made: Cluster, peer: Peer) -> None:
        self.made = made
        self.stop = Event()
        self.registers = Histories[Read | Swap]()
        self.uses = Histories[None]()
        fields = {"policies": ["default"], "num_uses": USES}
        self.tokens = [
            str(done(peer.call("POST", "auth/token/create", fields)).body["auth"]["client_token"])
            for _ in range(TOKENS)
        ]
        self.began = time.monotonic()
        self.clients = [Client(number, self) for number in range(CLIENTS)]

    def goes_on(self) -> None:
        """Return when every client has read something that it asked for after this."""
        since = time.monotonic()

        def served() -> bool | None:
            assert [client.failure for client in self.clients] == [None] * CLIENTS
            return min(client.asked for client in self.clients) > since or None

        until(served, "clients were not served")

    def end(self) -> None:
        self.stop.set()
        for client in self.clients:
            client.join(60)
            assert not client.is_alive()
        assert [client.failure for client in self.clients] == [None] * CLIENTS


def test_registers_and_tokens_are_one_copy_whatever_dies(tmp_path: Path) -> None:
    with paired() as pair, cluster(tmp_path, pair.url, 3) as (made, peers):
        race = Race(made, peers[0])
        for client in race.clients:
            client.start()
        try:
            race.goes_on()
            pair.fail_over()
            race.goes_on()
            made.kill(2)
            race.goes_on()
            pair.fail_over()
            race.goes_on()
        finally:
            race.end()
    registers, uses = race.registers, race.uses
    print(
        f"{registers.counted(True)} swaps made, {registers.counted(False)} refused, "
        f"{registers.counted(UNKNOWN)} unknown; {uses.counted(True)} uses of tokens made, "
        f"{uses.counted(False)} refused, {uses.counted(UNKNOWN)} unknown"
    )
    assert registers.counted(True) > CLIENTS
    assert uses.counted(False) > CLIENTS
    for history in registers.each.values():
        assert linearizable(history, EMPTY, on_register)
    for tries in uses.each.values():
        assert linearizable(tries, USES, on_uses)
