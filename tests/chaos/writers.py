"""Sixteen callers that write until the server dies, and remember what it acknowledged."""

import http.client
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

from tests.chaos.vault import done
from tests.contract.peers import Answer, Peer

LOST = (OSError, http.client.HTTPException)


@dataclass
class Ledger:
    """What was acknowledged, to be found again after the crash."""

    values: dict[str, int] = field(default_factory=dict)  # path → the least value it may hold
    policies: dict[str, int] = field(default_factory=dict)
    destroyed: set[tuple[str, int]] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    spent: set[str] = field(default_factory=set)
    requests: set[str] = field(default_factory=set)

    def note(self, answer: Answer) -> Answer:
        """Count an acknowledged answer; anything else than success is a failure of the test."""
        done(answer)
        if isinstance(answer.body, dict) and answer.body.get("request_id"):
            self.requests.add(answer.body["request_id"])
        return answer

    @property
    def size(self) -> int:
        return len(self.requests)


def put(peer: Peer, ledger: Ledger, name: str, turn: int) -> None:
    ledger.note(peer.call("POST", f"secret/data/{name}", {"data": {"v": turn}}))
    ledger.values[name] = turn


def policy(peer: Peer, ledger: Ledger, name: str, turn: int) -> None:
    ledger.note(peer.call("POST", f"sys/policies/acl/{name}", {"policy": f"# {turn}"}))
    ledger.policies[name] = turn
    ledger.note(peer.call("GET", f"sys/policies/acl/{name}"))


def destroy(peer: Peer, ledger: Ledger, name: str, turn: int) -> None:
    answer = ledger.note(peer.call("POST", f"secret/data/{name}", {"data": {"v": turn}}))
    version = answer.body["data"]["version"]
    ledger.note(peer.call("POST", f"secret/destroy/{name}", {"versions": [version]}))
    ledger.destroyed.add((name, version))


def _token(peer: Peer, ledger: Ledger, **fields: Any) -> str:
    fields = {"policies": ["default"], "ttl": "1h", **fields}
    return str(ledger.note(peer.call("POST", "auth/token/create", fields)).body["auth"]["client_token"])


def revoke(peer: Peer, ledger: Ledger, name: str, turn: int) -> None:
    parent = _token(peer, ledger, policies=["root"])
    child = str(
        ledger.note(peer.call("POST", "auth/token/create", {}, token=parent)).body["auth"]["client_token"]
    )
    ledger.note(peer.call("POST", "auth/token/revoke", {"token": parent}))
    ledger.revoked |= {parent, child}


def use_up(peer: Peer, ledger: Ledger, name: str, turn: int) -> None:
    token = _token(peer, ledger, num_uses=1)
    ledger.note(peer.call("GET", "auth/token/lookup-self", token=token))
    ledger.spent.add(token)


KINDS: tuple[Callable[[Peer, Ledger, str, int], None], ...] = (put, revoke, destroy, use_up, policy)
WRITERS = 16


def write_until_death(
    port: int, token: str, ledgers: list[Ledger], enough: int, kill: Callable[[], None]
) -> None:
    """Let all writers run; kill the server once `enough` answers of this run were counted."""
    before = sum(ledger.size for ledger in ledgers)
    reached = Event()

    def work(number: int) -> None:
        peer, ledger, turn = Peer(port, token), ledgers[number], 0
        kind = KINDS[number % len(KINDS)]
        name = f"{kind.__name__.replace('_', '-')}-{number}"
        try:
            while True:
                turn += 1
                kind(peer, ledger, name, turn + 1_000 * _round(ledger, name))
                if sum(ledger.size for ledger in ledgers) - before >= enough:
                    reached.set()
        except LOST:
            reached.set()
        finally:
            peer.close()

    threads = [Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    reached.wait(30)
    kill()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def _round(ledger: Ledger, name: str) -> int:
    """So that values grow from one life of the server to the next."""
    last = max(ledger.values.get(name, 0), ledger.policies.get(name, 0))
    return last // 1_000 + (1 if last % 1_000 == 0 else 0)


def check(peer: Peer, ledger: Ledger) -> None:
    """Everything one writer was told is there."""
    for name, least in ledger.values.items():
        assert done(peer.call("GET", f"secret/data/{name}")).body["data"]["data"]["v"] >= least
    for name, least in ledger.policies.items():
        text = done(peer.call("GET", f"sys/policies/acl/{name}")).body["data"]["policy"]
        assert int(text.removeprefix("# ")) >= least
    for name, version in ledger.destroyed:
        answer = peer.call("GET", f"secret/data/{name}?version={version}")
        assert answer.status == 404
        assert not answer.body.get("data") or answer.body["data"]["metadata"]["destroyed"]
    for token in ledger.revoked | ledger.spent:
        assert peer.call("GET", "auth/token/lookup-self", token=token).status == 403
