"""Fifty at once, and exactly one wins."""

from collections.abc import Iterator

import pytest

from tests.chaos.vault import at_once, done
from tests.contract import peers
from tests.contract.peers import Answer, Peer

pytestmark = pytest.mark.slow

MANY = 50


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with peers.strongroom() as made:
        yield made


def winners(answers: list[Answer]) -> int:
    assert all(answer.status in (200, 204, 400, 403) for answer in answers), answers
    return sum(answer.status in (200, 204) for answer in answers)


def test_a_token_of_one_use_is_used_once(peer: Peer) -> None:
    made = done(peer.call("POST", "auth/token/create", {"policies": ["default"], "num_uses": 1})).body["auth"]
    answers = at_once(
        MANY, peer.port, made["client_token"], lambda mine, _: mine.call("GET", "auth/token/lookup-self")
    )
    assert winners(answers) == 1


def test_a_token_of_seven_uses_is_used_seven_times(peer: Peer) -> None:
    made = done(peer.call("POST", "auth/token/create", {"policies": ["default"], "num_uses": 7})).body["auth"]
    answers = at_once(
        MANY, peer.port, made["client_token"], lambda mine, _: mine.call("GET", "auth/token/lookup-self")
    )
    assert winners(answers) == 7


@pytest.mark.parametrize("how", ["unwrap", "rewrap"])
def test_a_wrapping_token_opens_once(how: str, peer: Peer) -> None:
    headers = {"X-Vault-Wrap-TTL": "60"}
    wrapped = done(peer.call("POST", "sys/wrapping/wrap", {"a": "b"}, headers=headers)).body["wrap_info"][
        "token"
    ]
    answers = at_once(
        MANY,
        peer.port,
        peer.token,
        lambda mine, _: mine.call("POST", f"sys/wrapping/{how}", {"token": wrapped}),
    )
    assert winners(answers) == 1


def test_a_secret_id_of_one_use_logs_in_once(peer: Peer) -> None:
    done(peer.call("POST", "sys/auth/approle", {"type": "approle"}))
    done(peer.call("POST", "auth/approle/role/app", {"secret_id_num_uses": 1}))
    role = done(peer.call("GET", "auth/approle/role/app/role-id")).body["data"]["role_id"]
    secret = done(peer.call("POST", "auth/approle/role/app/secret-id", {})).body["data"]["secret_id"]
    fields = {"role_id": role, "secret_id": secret}
    answers = at_once(MANY, peer.port, "", lambda mine, _: mine.call("POST", "auth/approle/login", fields))
    assert winners(answers) == 1


def test_check_and_set_lets_one_write(peer: Peer) -> None:
    done(peer.call("POST", "secret/data/cas", {"data": {"v": "first"}}))
    answers = at_once(
        MANY,
        peer.port,
        peer.token,
        lambda mine, number: mine.call(
            "POST", "secret/data/cas", {"data": {"v": number}, "options": {"cas": 1}}
        ),
    )
    assert winners(answers) == 1
    stored = peer.call("GET", "secret/data/cas").body["data"]
    assert stored["metadata"]["version"] == 2
    assert answers[stored["data"]["v"]].status == 200


def test_a_token_id_is_given_out_once(peer: Peer) -> None:
    fields = {"id": "chosen-by-us", "policies": ["default"]}
    answers = at_once(
        MANY, peer.port, peer.token, lambda mine, _: mine.call("POST", "auth/token/create", fields)
    )
    assert winners(answers) == 1


def test_a_mount_is_made_once(peer: Peer) -> None:
    answers = at_once(
        16, peer.port, peer.token, lambda mine, _: mine.call("POST", "sys/mounts/race", {"type": "kv"})
    )
    assert winners(answers) == 1
