"""Userpass: users, their settings, and sign-in."""

import json
from typing import Any

import pytest

from strongroom.errors import InvalidCredentials, InvalidRequest, NotFound, PermissionDenied
from strongroom.framework import Auth, Operation
from tests.suites.engine import Bench


async def sign_in(method: Bench, name: str, password: str, remote: str = "127.0.0.1") -> Auth:
    response = await method.call(Operation.WRITE, f"login/{name}", {"password": password}, remote=remote)
    assert response.auth is not None
    return response.auth


async def fail(method: Bench, name: str, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(InvalidCredentials):
            await sign_in(method, name, "wrong")


async def test_the_right_password_gives_the_users_token(method: Bench) -> None:
    auth = await sign_in(method, "bob", "correct")
    assert auth.policies == ("a", "b")
    assert auth.display_name == "userpass-bob"
    assert (auth.alias, auth.metadata) == ("bob", {"username": "bob"})


@pytest.mark.parametrize("spelling", ["BOB", "Bob", "bOb"])
async def test_every_spelling_is_one_user(method: Bench, spelling: str) -> None:
    assert (await sign_in(method, spelling, "correct")).alias == "bob"
    assert await method.read(f"users/{spelling}") == await method.read("users/bob")
    await method.write(f"users/{spelling}", {"token_ttl": "1h"})
    assert await method.list("users/") == ["bob"]


async def test_users_are_read_without_their_hash(method: Bench) -> None:
    read = await method.read("users/bob")
    assert read == {
        "token_bound_cidrs": [],
        "token_explicit_max_ttl": 0,
        "token_max_ttl": 0,
        "token_no_default_policy": False,
        "token_num_uses": 0,
        "token_period": 0,
        "token_policies": ["a", "b"],
        "token_strictly_bind_ip": False,
        "token_ttl": 0,
        "token_type": "default",
    }
    raw = json.dumps(read)
    assert "argon2" not in raw


async def test_token_settings_reach_the_token(method: Bench) -> None:
    settings = {
        "token_ttl": "1h",
        "token_max_ttl": 7200,
        "token_explicit_max_ttl": "3h",
        "token_period": "30m",
        "token_num_uses": 4,
        "token_bound_cidrs": ["127.0.0.0/8"],
        "token_no_default_policy": True,
        "token_type": "service",
    }
    await method.write("users/bob", settings)
    auth = await sign_in(method, "bob", "correct")
    assert (auth.ttl, auth.max_ttl, auth.explicit_max_ttl, auth.period, auth.num_uses) == (
        3600,
        7200,
        10800,
        1800,
        4,
    )
    assert auth.bound_cidrs == ("127.0.0.0/8",)
    assert auth.no_default_policy is True
    assert auth.token_type == "service"
    with pytest.raises(PermissionDenied):
        await sign_in(method, "bob", "correct", remote="10.0.0.1")
    await method.write("users/bob", {"token_strictly_bind_ip": True})
    assert (await sign_in(method, "bob", "correct")).bound_cidrs == ("127.0.0.1",)


async def test_old_field_names_are_shown_beside_the_new(method: Bench) -> None:
    await method.write(
        "users/bob", {"policies": "p", "ttl": "1m", "max_ttl": 300, "bound_cidrs": "1.2.3.4/32"}
    )
    read = await method.read("users/bob")
    assert read["bound_cidrs"] == read["token_bound_cidrs"] == ["1.2.3.4"]
    assert (read["policies"], read["token_policies"]) == (["p"], ["p"])
    assert (read["ttl"], read["token_ttl"], read["max_ttl"], read["token_max_ttl"]) == (60, 60, 300, 300)
    await method.write("users/bob", {"token_policies": ["q"]})
    read = await method.read("users/bob")
    assert "policies" not in read
    assert read["token_policies"] == ["q"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"token_ttl": "2h", "token_max_ttl": "1h"}, "token_ttl"),
        ({"token_type": "canary"}, "token_type"),
        ({"token_type": "batch", "token_num_uses": 3}, "limited use"),
        ({"token_type": "batch", "token_period": 3}, "periodic"),
        ({"token_num_uses": -1}, "token_num_uses"),
        ({"token_ttl": -1}, "token_ttl"),
        ({"token_bound_cidrs": "canary"}, "token_bound_cidrs"),
        ({"token_policies": ["ok", " ROOT "]}, "root"),
        ({"policies": "Root"}, "root"),
        ({"token_policies": 5}, "token_policies"),
    ],
)
async def test_contradictions_are_refused(method: Bench, body: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem) as caught:
        await method.write("users/bob", body)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("body", [{}, {"password": ""}, {"password_hash": "x"}, {"password": "p" * 1025}])
async def test_a_new_user_needs_a_password(method: Bench, body: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest, match="password"):
        await method.write("users/eve", body)


@pytest.mark.parametrize("name", ["-a", "a,b", "a b", "a" * 257, "é"])
async def test_what_is_no_name_is_refused(method: Bench, name: str) -> None:
    with pytest.raises(InvalidRequest, match="user name"):
        await method.write(f"users/{name}", {"password": "x"})


async def test_password_and_policies_change_alone(method: Bench) -> None:
    await method.write("users/bob/password", {"password": "new"})
    with pytest.raises(InvalidCredentials):
        await sign_in(method, "bob", "correct")
    assert (await sign_in(method, "bob", "new")).policies == ("a", "b")
    await method.write("users/bob/policies", {"token_policies": "z"})
    assert (await sign_in(method, "bob", "new")).policies == ("z",)
    for path in ("users/ghost/password", "users/ghost/policies"):
        with pytest.raises(InvalidRequest, match="does not exist"):
            await method.write(path, {"password": "x", "policies": "x"})


async def test_bound_addresses_hold_in_every_form(method: Bench) -> None:
    await method.write("users/bob", {"token_bound_cidrs": "127.0.0.0/8,2001:db8::1"})
    for remote in ("127.1.2.3", "::ffff:127.0.0.1", "2001:db8::1"):
        await sign_in(method, "bob", "correct", remote=remote)
    for remote in ("::1", "2001:db8::2", "not an address", ""):
        with pytest.raises(PermissionDenied):
            await sign_in(method, "bob", "correct", remote=remote)


async def test_a_deleted_user_is_gone(method: Bench) -> None:
    assert await method.exists("users/bob") is True
    await method.delete("users/bob")
    await method.delete("users/bob")
    assert await method.exists("users/bob") is False
    for call in (method.read("users/bob"), method.list("users/")):
        with pytest.raises(NotFound):
            await call
    await fail(method, "bob")


async def test_a_login_without_password_says_what_is_missing(method: Bench) -> None:
    with pytest.raises(InvalidRequest, match="missing password"):
        await method.write("login/bob", {})


async def test_an_over_long_password_is_wrong_and_not_hashed(method: Bench) -> None:
    with pytest.raises(InvalidCredentials):
        await sign_in(method, "bob", "x" * 2000)


async def test_renewal_checks_the_user_again(method: Bench) -> None:
    auth = await sign_in(method, "bob", "correct")
    await method.write("users/bob", {"token_ttl": "2h"})
    auth.policies = ("a", "b", "default")
    assert (await method.renew_login(auth)).ttl == 7200
    await method.write("users/bob", {"token_policies": "a"})
    with pytest.raises(InvalidRequest, match="policies have changed"):
        await method.renew_login(auth)
    await method.delete("users/bob")
    with pytest.raises(InvalidRequest, match="exist"):
        await method.renew_login(auth)
