"""Who asks: tokens, namespaces, wrapping, inline login, and whose address it is."""

import base64
import ipaddress

import msgspec
import pytest

from strongroom.api.remote import Remotes
from strongroom.errors import PermissionDenied
from strongroom.framework import Auth, Lease, Operation, Response
from strongroom.sensitive import Sensitive
from tests.api.door import Desk, Door, members

TOKEN = Sensitive("hvs.inline")


async def test_the_token_comes_from_either_header_and_vaults_own_wins() -> None:
    for headers in ({"x-vault-token": "t"}, {"authorization": "Bearer t"}, {"authorization": "bearer  t "}):
        token = (await Desk().request("/v1/a", headers=headers)).token
        assert token is not None
        assert token.reveal() == "t"
    both = (await Desk().request("/v1/a", headers={"x-vault-token": "t", "authorization": "Bearer u"})).token
    assert both is not None
    assert both.reveal() == "t"


@pytest.mark.parametrize("headers", [{}, {"x-vault-token": ""}, {"authorization": "Basic dTpw"}])
async def test_no_token_is_none(headers: dict[str, str]) -> None:
    assert (await Desk().request("/v1/a", headers=headers)).token is None


async def test_a_token_with_odd_characters_is_refused_without_naming_it() -> None:
    answer = await Desk().ask("/v1/a", headers={"x-vault-token": "canary\xe9"})
    assert answer.status == 400
    assert b"canary" not in answer.body


@pytest.mark.parametrize(("sent", "taken"), [("", ""), ("/", ""), ("/team/", "team"), ("a/b", "a/b")])
async def test_a_namespace_is_trimmed(sent: str, taken: str) -> None:
    assert (await Desk().request("/v1/a", headers={"x-vault-namespace": sent})).namespace == taken


async def test_a_namespace_that_is_not_canonical_is_refused() -> None:
    assert (await Desk().ask("/v1/a", headers={"x-vault-namespace": "a/../b"})).status == 400


@pytest.mark.parametrize(("sent", "seconds"), [("60", 60), ("5m", 300), ("1h30m", 5400), ("", 0)])
async def test_a_wrapping_time_is_seconds_or_a_duration(sent: str, seconds: int) -> None:
    assert (await Desk().request("/v1/a", headers={"x-vault-wrap-ttl": sent})).wrap_ttl == seconds


async def test_a_malformed_wrapping_time_is_refused() -> None:
    assert (await Desk().ask("/v1/a", headers={"x-vault-wrap-ttl": "soon"})).status == 400


async def test_the_core_sees_only_the_headers_it_needs() -> None:
    sent = {"user-agent": "hvac", "x-strongroom-reason": "incident 7", "cookie": "c", "x-vault-token": "t"}
    request = await Desk().request("/v1/a", headers=sent)
    assert request.headers == {"user-agent": "hvac", "x-strongroom-reason": "incident 7"}


async def test_headers_that_clients_send_besides_are_accepted() -> None:
    sent = dict.fromkeys(
        ("x-vault-request", "x-vault-mfa", "x-vault-policy-override", "x-vault-index", "x-vault-inconsistent",
         "x-vault-no-request-forwarding", "x-vault-wrap-format"), "true"
    )  # fmt: skip
    assert (await Desk().ask("/v1/a", headers=sent)).status == 204


FORWARDED = {"x-forwarded-for": "203.0.113.9, 198.51.100.7, 10.0.0.2"}


async def test_anyones_forwarded_address_is_ignored() -> None:
    assert (await Desk().request("/v1/a", headers=FORWARDED, peer="10.0.0.1")).remote == "10.0.0.1"


async def test_a_trusted_proxy_speaks_for_the_last_address_that_is_none() -> None:
    desk = Desk(remotes=Remotes([ipaddress.ip_network("10.0.0.0/8")]))
    assert (await desk.request("/v1/a", headers=FORWARDED, peer="10.0.0.1")).remote == "198.51.100.7"
    assert (await desk.request("/v1/a", headers=FORWARDED, peer="192.0.2.1")).remote == "192.0.2.1"
    all_trusted = {"x-forwarded-for": "10.1.1.1, 10.0.0.2"}
    assert (await desk.request("/v1/a", headers=all_trusted, peer="10.0.0.1")).remote == "10.1.1.1"
    assert (await desk.ask("/v1/a", headers={"x-forwarded-for": "nonsense"}, peer="10.0.0.1")).status == 400


def parameter(key: str, value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode({"key": key, "value": value})).decode().rstrip("=")


def inline(**more: str) -> dict[str, str]:
    return {
        "x-vault-inline-auth-path": "auth/jwt/login",
        "x-vault-inline-auth-parameter-1": parameter("jwt", "ey.canary"),
        "x-vault-inline-auth-parameter-x": parameter("role", "ci"),
        **more,
    }


def logged_in() -> dict[str, Response | Exception]:
    return {
        "auth/jwt/login": Response(auth=Auth(policies=("p",), display_name="ci", client_token=TOKEN)),
        "secret/data/a": Response({"data": {"k": "v"}}),
    }


async def test_an_inline_login_is_a_login_a_request_and_a_farewell() -> None:
    desk = Desk(Door(logged_in()))
    answer = await desk.ask("/v1/secret/data/a", headers=inline())
    assert answer.status == 200
    login, asked, farewell = desk.door.seen
    assert (login.path, login.operation, login.token) == ("auth/jwt/login", Operation.WRITE, None)
    assert login.fields == {"jwt": "ey.canary", "role": "ci"}
    assert asked.token is TOKEN
    assert (farewell.path, farewell.token) == ("auth/token/revoke-self", TOKEN)
    assert len({request.id for request in desk.door.seen}) == 3


async def test_the_token_of_an_inline_login_ends_also_when_the_request_fails() -> None:
    desk = Desk(Door({**logged_in(), "secret/data/a": PermissionDenied("permission denied")}))
    answer = await desk.ask("/v1/secret/data/a", headers=inline())
    assert answer.status == 403
    assert [name for name, _ in answer.headers] == [b"x-request-id"]
    assert desk.door.seen[-1].path == "auth/token/revoke-self"


async def test_the_token_stays_while_a_lease_hangs_on_it() -> None:
    desk = Desk(Door({**logged_in(), "secret/data/a": Response({"k": "v"}, lease=Lease(ttl=60, id="x"))}))
    await desk.ask("/v1/secret/data/a", headers=inline())
    assert [request.path for request in desk.door.seen] == ["auth/jwt/login", "secret/data/a"]


async def test_a_failed_inline_login_is_marked() -> None:
    desk = Desk(Door({"auth/jwt/login": PermissionDenied("permission denied")}))
    answer = await desk.ask("/v1/secret/data/a", headers=inline())
    assert answer.status == 403
    assert (b"x-vault-inline-auth-failed", b"true") in answer.headers
    no_token = await Desk(Door({})).ask("/v1/secret/data/a", headers=inline())
    assert no_token.status == 400


@pytest.mark.parametrize(
    "more",
    [
        {"x-vault-token": "t"},
        {"x-vault-inline-auth-operation": "delete"},
        {"x-vault-inline-auth-parameter-2": "!!canary"},
        {"x-vault-inline-auth-parameter-2": base64.urlsafe_b64encode(b"canary").decode()},
        {"x-vault-inline-auth-path": "auth/../sys"},
    ],
)
async def test_a_malformed_inline_login_is_refused(more: dict[str, str]) -> None:
    desk = Desk()
    answer = await desk.ask("/v1/secret/data/a", headers={**inline(), **more})
    assert answer.status == 400
    assert b"canary" not in answer.body
    assert members(answer)["errors"]
    assert not desk.door.seen
