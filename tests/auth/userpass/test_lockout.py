"""Lockout at userpass: attempts are charged first, and a stranger learns nothing."""

import asyncio
from typing import Any

import pytest
from argon2 import extract_parameters
from msgspec.structs import replace

from strongroom.auth import userpass
from strongroom.auth.userpass import HASHER, NOBODY
from strongroom.errors import InvalidCredentials, PermissionDenied
from strongroom.framework import Auth, MountConfig, Operation
from tests.suites.engine import Bench


async def sign_in(method: Bench, name: str, password: str, remote: str = "127.0.0.1") -> Auth:
    response = await method.call(Operation.WRITE, f"login/{name}", {"password": password}, remote=remote)
    assert response.auth is not None
    return response.auth


async def fail(method: Bench, name: str, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(InvalidCredentials):
            await sign_in(method, name, "wrong")


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

    def counted(stored: str, password: str, cost: int) -> bool:
        checked.append(stored)
        return verify(stored, password, cost)

    monkeypatch.setattr(userpass, "verified", counted)
    await fail(method, "ghost")
    assert checked == [userpass.NOBODY]


def test_nobodys_hash_costs_what_a_users_does() -> None:
    parameters = extract_parameters(NOBODY)
    nobody = (parameters.time_cost, parameters.memory_cost, parameters.parallelism)
    assert nobody == (HASHER.time_cost, HASHER.memory_cost, HASHER.parallelism) == (2, 19_456, 1)


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
    def crash(stored: str, password: str, cost: int) -> bool:
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
