"""Userpass: users, sign-in, lockout, and that a stranger learns nothing."""

import asyncio
import json
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from msgspec.structs import replace

from strongroom.auth import userpass
from strongroom.auth.userpass import HASHER, NOBODY, Userpass
from strongroom.errors import InvalidCredentials, InvalidRequest, NotFound, PermissionDenied
from strongroom.framework import Auth, MountConfig, Operation
from tests.suites.engine import Bench, bench


@pytest.fixture(autouse=True)
def cheap_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least that argon2id does; every path still hashes for real."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(userpass, "NOBODY", cheap.hash("thrown away"))
    monkeypatch.setattr(userpass, "HASHER", cheap)


@pytest.fixture
async def method() -> Bench:
    made = await bench(Userpass(), "auth/userpass/")
    await made.write("users/bob", {"password": "correct", "token_policies": "b,a"})
    return made


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


async def test_a_stranger_and_a_wrong_password_get_the_same_answer(method: Bench) -> None:
    answers = set()
    for name in ("bob", "ghost", "no name!", "K"):
        with pytest.raises(InvalidCredentials) as caught:
            await sign_in(method, name, "wrong")
        answers.add(str(caught.value))
    assert answers == {"invalid username or password"}


async def test_a_stranger_costs_a_real_hash(method: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verify = userpass.verified

    def counted(stored: str, password: str) -> bool:
        checked.append(stored)
        return verify(stored, password)

    monkeypatch.setattr(userpass, "verified", counted)
    await fail(method, "ghost")
    assert checked == [userpass.NOBODY]


def test_nobodys_hash_costs_what_a_users_does() -> None:
    parameters = extract_parameters(NOBODY)
    assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (
        HASHER.time_cost,
        HASHER.memory_cost,
        HASHER.parallelism,
    ) or HASHER.memory_cost == 8  # the cheap hasher of these tests is in place
    assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (2, 19456, 1)


@pytest.mark.parametrize("name", ["bob", "ghost"])
async def test_five_failures_close_a_name_for_fifteen_minutes(method: Bench, name: str) -> None:
    await fail(method, name, 5)
    for password in ("wrong", "correct"):
        with pytest.raises(PermissionDenied):
            await sign_in(method, name, password)
    method.clock.advance(15 * 60 - 1)
    with pytest.raises(PermissionDenied):
        await sign_in(method, name, "correct")
    method.clock.advance(1)
    await fail(method, name)
    if name == "bob":
        await sign_in(method, name, "correct")


async def test_failures_count_over_every_spelling(method: Bench) -> None:
    for spelling in ("bob", "BOB", "Bob", "boB", "bOB"):
        await fail(method, spelling)
    with pytest.raises(PermissionDenied):
        await sign_in(method, "bob", "correct")


async def test_failures_are_forgotten_after_fifteen_minutes_and_after_success(method: Bench) -> None:
    await fail(method, "bob", 4)
    method.clock.advance(15 * 60)
    await fail(method, "bob", 4)
    await sign_in(method, "bob", "correct")
    await fail(method, "bob", 4)
    await sign_in(method, "bob", "correct")


async def test_the_attempt_is_charged_before_the_password_is_checked(
    method: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(stored: str, password: str) -> bool:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(userpass, "verified", crash)
        for _ in range(5):
            with pytest.raises(RuntimeError):
                await sign_in(method, "bob", "correct")
    with pytest.raises(PermissionDenied):
        await sign_in(method, "bob", "correct")


async def test_parallel_guesses_get_no_more_tries_than_the_limit(method: Bench) -> None:
    async def guess() -> str:
        try:
            await sign_in(method, "bob", "wrong")
        except (InvalidCredentials, PermissionDenied) as error:
            return type(error).__name__
        return "in"

    outcomes = await asyncio.gather(*(guess() for _ in range(30)))
    assert outcomes.count("InvalidCredentials") == 5
    assert outcomes.count("PermissionDenied") == 25


async def test_parallel_right_passwords_do_not_close_the_name(method: Bench) -> None:
    found = await asyncio.gather(*(sign_in(method, "bob", "correct") for _ in range(20)))
    assert len(found) == 20


async def test_strangers_fill_a_bounded_place(method: Bench) -> None:
    for n in range(40):
        await fail(method, f"ghost{n}")
    keys = await method.barrier.begin().scan("mount/u-1/lockout/", "", 1000)
    assert all(
        key.startswith("mount/u-1/lockout/unknown/") and len(key.rsplit("/", 1)[1]) == 4 for key in keys
    )


@pytest.mark.parametrize(
    ("tuned", "tries"),
    [
        ({"lockout_threshold": 2}, 2),
        ({"lockout_threshold": "3", "lockout_duration": "1m", "lockout_counter_reset_duration": "1m"}, 3),
        ({"lockout_disable": True}, None),
        ({"lockout_disable": "true"}, None),
    ],
)
async def test_the_mount_tunes_the_lockout(method: Bench, tuned: dict[str, Any], tries: int | None) -> None:
    method.mount = replace(method.mount, config=MountConfig(user_lockout=tuned))
    await fail(method, "bob", tries or 12)
    if tries is None:
        await sign_in(method, "bob", "correct")
    else:
        with pytest.raises(PermissionDenied):
            await sign_in(method, "bob", "correct")


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
