"""What one node changes, every other node knows before it answers: three processes, one database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chaos.vault import done
from tests.cluster.database import Database
from tests.cluster.nodes import Cluster, cluster
from tests.contract.peers import Peer

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

READS = 1500
Nodes = tuple[Cluster, list[Peer]]


@pytest.fixture(scope="module")
def nodes(server: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with cluster(tmp_path_factory.mktemp("nodes"), server.created("coherence").url, 3) as made:
        yield made


def test_no_read_is_stale(nodes: Nodes) -> None:
    _, peers = nodes
    stale = 0
    for turn in range(READS // 2):
        writer = peers[turn % 3]
        done(writer.call("POST", f"secret/data/k{turn % 7}", {"data": {"v": turn}}))
        for reader in (peers[(turn + 1) % 3], peers[(turn + 2) % 3]):
            found = done(reader.call("GET", f"secret/data/k{turn % 7}")).body["data"]["data"]["v"]
            stale += found != turn
    print(f"{READS} reads on another node, right after the write: {stale} stale")
    assert stale == 0


def test_a_revoked_token_is_refused_everywhere_at_once(nodes: Nodes) -> None:
    _, peers = nodes
    for turn in range(60):
        made = done(peers[turn % 3].call("POST", "auth/token/create", {"policies": ["default"]})).body["auth"]
        token = made["client_token"]
        for peer in peers:
            done(peer.call("GET", "auth/token/lookup-self", token=token))
        done(peers[(turn + 1) % 3].call("POST", "auth/token/revoke", {"token": token}))
        for peer in peers:
            assert peer.call("GET", "auth/token/lookup-self", token=token).status == 403


def test_a_changed_policy_decides_everywhere_at_once(nodes: Nodes) -> None:
    _, peers = nodes
    done(peers[0].call("POST", "secret/data/a", {"data": {"v": 1}}))
    allow, deny = 'path "secret/*" { capabilities = ["read"] }', 'path "other/*" { capabilities = ["read"] }'
    done(peers[0].call("POST", "sys/policies/acl/p", {"policy": allow}))
    token = done(peers[0].call("POST", "auth/token/create", {"policies": ["p"]})).body["auth"]["client_token"]
    for turn in range(40):
        text, status = (deny, 403) if turn % 2 else (allow, 200)
        done(peers[turn % 3].call("POST", "sys/policies/acl/p", {"policy": text}))
        for peer in peers:
            assert peer.call("GET", "secret/data/a", token=token).status == status


def test_mounts_settings_and_devices_are_one(nodes: Nodes) -> None:
    _, (first, second, third) = nodes
    done(first.call("POST", "sys/mounts/team", {"type": "kv"}))
    done(second.call("POST", "team/a", {"v": 1}))
    assert done(third.call("GET", "team/a")).body["data"] == {"v": 1}
    done(third.call("DELETE", "sys/mounts/team"))
    assert first.call("GET", "team/a").status == 404
    done(second.call("POST", "sys/config/cors", {"allowed_origins": ["https://console.example"]}))
    assert done(first.call("GET", "sys/config/cors")).body["data"]["enabled"] is True


def test_a_one_use_token_is_used_once_on_all_nodes(nodes: Nodes) -> None:
    _, peers = nodes
    for _ in range(25):
        token = done(
            peers[0].call("POST", "auth/token/create", {"policies": ["default"], "num_uses": 1})
        ).body["auth"]["client_token"]
        with ThreadPoolExecutor(3) as pool:
            ask = [pool.submit(peer.call, "GET", "auth/token/lookup-self", token=token) for peer in peers]
            assert sorted(one.result().status for one in ask) == [200, 403, 403]


def test_the_keyring_is_one(nodes: Nodes) -> None:
    made, (first, second, third) = nodes
    for turn, peer in enumerate((first, second, third, second)):
        done(peer.call("POST", "sys/rotate"))
        done(peer.call("POST", "secret/data/r", {"data": {"v": turn}}))
        for reader in (first, second, third):
            assert done(reader.call("GET", "secret/data/r")).body["data"]["data"]["v"] == turn
    _rotate_root(made, first)
    done(first.call("POST", "sys/rotate"))
    done(first.call("POST", "secret/data/r", {"data": {"v": "after"}}))
    for reader in (second, third):
        assert done(reader.call("GET", "secret/data/r")).body["data"]["data"]["v"] == "after"
    done(second.call("POST", "sys/rotate"))
    made.kill(2)
    again = made.open(2)
    assert done(again.call("GET", "secret/data/r")).body["data"]["data"]["v"] == "after"
    again.close()


def _rotate_root(made: Cluster, peer: Peer) -> None:
    began = done(peer.call("POST", "sys/rotate/root/init", {"secret_shares": 1, "secret_threshold": 1})).body
    nonce = began["data"]["nonce"] if "data" in began else began["nonce"]
    ended = done(peer.call("POST", "sys/rotate/root/update", {"key": made.share, "nonce": nonce})).body
    made.share = (ended.get("data") or ended)["keys"][0]
