"""A node killed in the middle of work: another one finishes it, and nothing is done twice or by halves."""

import http.client
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.vault import done
from tests.cluster.database import PASSWORD, Database
from tests.cluster.nodes import Cluster, cluster
from tests.contract.peers import Answer, Peer
from tests.jobs.killed import STEPS

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

JOBS, GENERATIONS = 30, 3
LEASE = 61
BRANCHES, TWIGS = 8, 8
Nodes = tuple[Cluster, list[Peer]]


@pytest.fixture(scope="module")
def nodes(server: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with cluster(tmp_path_factory.mktemp("nodes"), server.created("death").url, 2) as made:
        yield made


def test_jobs_of_killed_workers_are_finished_once_by_others(
    server: Database, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRONGROOM_STORAGE_PASSWORD", PASSWORD)
    (tmp_path / "made").mkdir()
    url = server.created("jobs_of_the_killed").url
    draw = random.Random(7)
    killed = 0
    for generation in range(GENERATIONS):
        workers = [_worker(repository, tmp_path, generation, url) for _ in range(2)]
        for worker in workers:
            time.sleep(draw.uniform(0, 0.05))
            killed += worker.poll() is None
            worker.kill()
            worker.communicate()
    last = [_worker(repository, tmp_path, GENERATIONS, url) for _ in range(2)]
    for worker in last:
        assert worker.communicate(timeout=120)[0] == f"ended True {JOBS}\n"
    assert killed >= GENERATIONS
    made = Counter(path.name.split(".")[1] for path in (tmp_path / "made").iterdir())
    assert made == dict.fromkeys(STEPS, JOBS)
    deeds = Counter((tmp_path / "journal").read_text().split())
    assert len(deeds) == JOBS * len(STEPS)
    assert max(deeds.values()) <= 1 + killed


def _worker(repository: Path, place: Path, generation: int, url: str) -> "subprocess.Popen[str]":
    """One whose clock says that the leases of the generation before are over; it has begun to work."""
    command = [sys.executable, "-m", "tests.jobs.killed", str(place), str(LEASE * generation), str(JOBS), url]
    process = subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    return process


def killed_while(made: Cluster, after: float, ask: Callable[[Peer], Answer]) -> Answer | None:
    """Ask the second node, and kill it so many seconds later; the answer, if there was one."""
    peer = made.peer(1)

    def asked() -> Answer | None:
        try:
            return ask(peer)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            peer.close()

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asked)
        time.sleep(after)
        made.kill(1)
        return answer.result()


def _tree(peer: Peer) -> tuple[str, list[str]]:
    """A token, and all of its descendants."""

    def child(token: str) -> str:
        fields = {"policies": ["root"], "ttl": "1h"}
        return str(
            done(peer.call("POST", "auth/token/create", fields, token=token)).body["auth"]["client_token"]
        )

    top = child(peer.token)
    branches = [child(top) for _ in range(BRANCHES)]
    return top, [*branches, *(child(branch) for branch in branches for _ in range(TWIGS))]


def _revoked(token: str, peer: Peer) -> Answer:
    return peer.call("POST", "auth/token/revoke", {"token": token})


def _statuses(peer: Peer, tokens: list[str]) -> set[int]:
    return {peer.call("GET", "auth/token/lookup-self", token=token).status for token in tokens}


def test_a_tree_of_tokens_is_revoked_whole_or_not_at_all(nodes: Nodes) -> None:
    made, (first, _) = nodes
    took = 0.2
    for part in (None, 0.3, 0.7):
        top, below = _tree(first)
        if part is None:
            began = time.monotonic()
            done(_revoked(top, first))
            took = time.monotonic() - began
        else:
            answer = killed_while(made, took * part, partial(_revoked, top))
            found = _statuses(first, [top, *below])
            if len(found) > 1:  # the database has carried out just now what the dead node had sent
                found = _statuses(first, [top, *below])
            assert found in ({200}, {403})
            assert found == {403} or answer is None
            if found == {200}:
                done(_revoked(top, first))
            made.open(1).close()
        assert _statuses(first, [top, *below]) == {403}


def _rotated(peer: Peer) -> Answer:
    return done(peer.call("POST", "sys/rotate"))


def test_keys_are_rotated_whole_or_not_at_all(nodes: Nodes) -> None:
    made, (first, _) = nodes
    for turn, after in enumerate((0.0, 0.006)):
        done(first.call("POST", "secret/data/r", {"data": {"v": turn}}))
        before = done(first.call("GET", "sys/key-status")).body["data"]["term"]
        answer = killed_while(made, after, _rotated)
        term = done(first.call("GET", "sys/key-status")).body["data"]["term"]
        assert term in ((before + 1,) if answer else (before, before + 1))
        again = made.open(1)
        for peer in (first, again):
            assert done(peer.call("GET", "secret/data/r")).body["data"]["data"]["v"] == turn
        again.close()


def test_a_rekey_cut_short_leaves_shares_in_force_that_are_known(nodes: Nodes) -> None:
    made, (first, _) = nodes
    wanted = {"secret_shares": 1, "secret_threshold": 1, "require_verification": True}
    for turn, after in enumerate((0.0, 0.02)):
        second = made.peer(1)
        begun = done(second.call("PUT", "sys/rekey/init", wanted)).body
        share = {"key": made.share, "nonce": begun["nonce"]}
        shown = done(second.call("PUT", "sys/rekey/update", share)).body
        second.close()
        proof = {"key": shown["keys"][0], "nonce": shown["verification_nonce"]}
        answer = killed_while(made, after, partial(_verified, proof))
        done(first.call("POST", "secret/data/r", {"data": {"v": turn}}))
        reopened = made.launch(1)
        if reopened.call("PUT", "sys/unseal", {"key": proof["key"]}).status == 200:
            made.share = proof["key"]
        else:
            assert answer is None
            done(reopened.call("PUT", "sys/unseal", {"key": made.share}))
        assert done(reopened.call("GET", "secret/data/r")).body["data"]["data"]["v"] == turn
        reopened.close()


def _verified(proof: dict[str, str], peer: Peer) -> Answer:
    return done(peer.call("PUT", "sys/rekey/verify", proof))
