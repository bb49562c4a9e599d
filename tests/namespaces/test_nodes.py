"""Namespaces and quotas on three nodes with one database: what one changes, the others know before they answer."""

from collections.abc import Iterator

import pytest

from tests.chaos.vault import done
from tests.cluster.conftest import server
from tests.cluster.database import Database
from tests.cluster.nodes import cluster
from tests.contract.peers import Peer

__all__ = ["server"]
pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

TURNS = 12
ALLOW, DENY = 'path "kv/*" { capabilities = ["read"] }', 'path "kv/*" { capabilities = ["deny"] }'


@pytest.fixture(scope="module")
def peers(server: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Peer]]:
    with cluster(tmp_path_factory.mktemp("nodes"), server.created("namespaces").url, 3) as (_, made):
        yield made


def test_no_node_answers_for_a_namespace_as_it_was(peers: list[Peer]) -> None:
    for turn in range(TURNS):
        first, second, third = (peers[(turn + step) % 3] for step in range(3))
        name, inside = f"team-{turn}", {"X-Vault-Namespace": f"team-{turn}"}
        done(first.call("POST", f"sys/namespaces/{name}", {}))
        done(second.call("POST", "sys/mounts/kv", {"type": "kv"}, headers=inside))
        done(third.call("POST", f"{name}/kv/a", {"v": turn}))
        done(second.call("POST", "sys/policies/acl/p", {"policy": ALLOW}, headers=inside))
        made = done(first.call("POST", "auth/token/create", {"policies": ["p"]}, headers=inside)).body
        token = made["auth"]["client_token"]
        for peer in peers:
            assert peer.call("GET", f"{name}/kv/a", token=token).body["data"] == {"v": turn}
        done(third.call("POST", "sys/policies/acl/p", {"policy": DENY}, headers=inside))
        for peer in peers:
            assert peer.call("GET", f"{name}/kv/a", token=token).status == 403
        done(second.call("POST", f"sys/namespaces/api-lock/lock/{name}", {}))
        for peer in peers:
            assert peer.call("GET", "kv/a", headers=inside).status == 503
        done(third.call("DELETE", f"sys/namespaces/{name}"))
        for peer in peers:
            assert peer.call("GET", "kv/a", headers=inside).status == 404
            assert peer.call("GET", "auth/token/lookup-self", token=token).status == 403


def test_leases_are_counted_across_nodes(peers: list[Peer]) -> None:
    first, second, third = peers
    # Not of the whole server: the namespaces of the test before may still be ending their tokens.
    done(first.call("POST", "sys/quotas/lease-count/q", {"max_leases": 4, "path": "auth/token"}))
    made = [peers[turn % 3].call("POST", "auth/token/create", {"policies": ["default"]}) for turn in range(6)]
    assert [answer.status for answer in made] == [200] * 4 + [429] * 2
    assert int(made[-1].headers["retry-after"]) > 0
    done(second.call("POST", "auth/token/revoke", {"token": made[0].body["auth"]["client_token"]}))
    assert third.call("GET", "sys/quotas/lease-count/q").body["data"]["counter"] == 3
    done(third.call("POST", "auth/token/create", {"policies": ["default"]}))
    done(second.call("DELETE", "sys/quotas/lease-count/q"))
    done(first.call("POST", "auth/token/create", {"policies": ["default"]}))


def test_a_rate_limit_holds_on_every_node_from_its_next_request_on(peers: list[Peer]) -> None:
    done(peers[0].call("POST", "sys/mounts/limited", {"type": "kv"}))
    done(peers[0].call("POST", "sys/quotas/rate-limit/q", {"rate": 1, "interval": "1h", "path": "limited"}))
    for peer in peers:
        done(peer.call("GET", "sys/mounts"))  # a limit is judged before the node asks what is new
        assert [peer.call("LIST", "limited").status for _ in range(2)] == [404, 429]
    done(peers[1].call("DELETE", "sys/quotas/rate-limit/q"))
    for peer in peers:
        done(peer.call("GET", "sys/mounts"))
        assert peer.call("LIST", "limited").status == 404
