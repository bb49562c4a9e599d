"""AppRole sign-in: both ids, addresses, and that a use is spent once."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.auth.approle import AppRole
from strongroom.errors import InvalidCredentials, InvalidRequest
from strongroom.framework import Auth, Operation
from tests.suites.engine import Bench, bench


async def ids(method: Bench, role: str = "ci", **settings: Any) -> tuple[str, str]:
    role_id = (await method.read(f"role/{role}/role-id"))["role_id"]
    return role_id, (await method.write(f"role/{role}/secret-id", settings))["secret_id"]


async def sign_in(method: Bench, role_id: str, secret_id: str = "", remote: str = "127.0.0.1") -> Auth:
    body = {"role_id": role_id, "secret_id": secret_id}
    response = await method.call(Operation.WRITE, "login", body, remote=remote)
    assert response.auth is not None
    return response.auth


async def test_both_ids_give_the_roles_token(method: Bench) -> None:
    role_id, secret_id = await ids(method, metadata='{"team":"web"}')
    auth = await sign_in(method, role_id, secret_id)
    assert auth.policies == ("deploy",)
    assert auth.metadata == {"team": "web", "role_name": "ci"}
    assert (auth.alias, auth.display_name) == (role_id, "approle")
    await sign_in(method, role_id, secret_id)


async def test_any_wrong_part_gets_the_same_answer(method: Bench) -> None:
    role_id, secret_id = await ids(method)
    await method.write("role/other", {})
    other_id, other_secret = await ids(method, "other")
    answers = set()
    for pair in (
        (role_id, "x"),
        ("x", secret_id),
        ("x", "x"),
        (role_id, other_secret),
        (other_id, secret_id),
    ):
        with pytest.raises(InvalidCredentials) as caught:
            await sign_in(method, *pair)
        answers.add(str(caught.value))
    assert answers == {"invalid role or secret ID"}


@pytest.mark.parametrize(
    ("body", "problem"), [({}, "missing role_id"), ({"role_id": "?"}, "missing secret_id")]
)
async def test_missing_parts_are_named(method: Bench, body: dict[str, str], problem: str) -> None:
    if body:
        body = {"role_id": (await ids(method))[0]}
    with pytest.raises(InvalidRequest, match=problem):
        await method.write("login", body)


async def test_of_fifty_parallel_logins_one_spends_the_last_use(method: Bench) -> None:
    role_id, secret_id = await ids(method, num_uses=1)

    async def attempt() -> bool:
        try:
            await sign_in(method, role_id, secret_id)
        except InvalidCredentials:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt() for _ in range(50)))) == 1
    assert await method.barrier.begin().scan("mount/u-1/secret/", "", 10) == []
    assert await method.barrier.begin().scan("mount/u-1/accessor/", "", 10) == []


async def test_uses_count_down(method: Bench) -> None:
    role_id, secret_id = await ids(method, num_uses=3)
    await sign_in(method, role_id, secret_id)
    assert (await method.write("role/ci/secret-id/lookup", {"secret_id": secret_id}))[
        "secret_id_num_uses"
    ] == 2
    await sign_in(method, role_id, secret_id)
    await sign_in(method, role_id, secret_id)
    with pytest.raises(InvalidCredentials):
        await sign_in(method, role_id, secret_id)


async def test_addresses_bind_secret_ids_and_roles(method: Bench) -> None:
    await method.write("role/ci", {"secret_id_bound_cidrs": "10.0.0.0/8"})
    role_id, secret_id = await ids(method, cidr_list="10.1.0.0/16")
    await sign_in(method, role_id, secret_id, remote="10.1.2.3")
    for remote in ("10.2.0.1", "127.0.0.1", "", "::1"):
        with pytest.raises(InvalidCredentials):
            await sign_in(method, role_id, secret_id, remote=remote)
    with pytest.raises(InvalidRequest, match="cidr_list"):
        await ids(method, cidr_list="11.0.0.0/8")
    with pytest.raises(InvalidRequest, match="cidr_list"):
        await ids(method, cidr_list="canary")


async def test_a_wrong_address_spends_no_use(method: Bench) -> None:
    role_id, secret_id = await ids(method, num_uses=1, cidr_list="10.0.0.0/8")
    with pytest.raises(InvalidCredentials):
        await sign_in(method, role_id, secret_id)
    await sign_in(method, role_id, secret_id, remote="10.0.0.1")


async def test_a_secret_id_binds_the_token_too(method: Bench) -> None:
    role_id, secret_id = await ids(method, token_bound_cidrs="127.0.0.0/8")
    assert (await sign_in(method, role_id, secret_id)).bound_cidrs == ("127.0.0.0/8",)
    await method.write("role/ci", {"token_bound_cidrs": "127.0.0.1"})
    with pytest.raises(InvalidRequest, match="token_bound_cidrs"):
        await ids(method, token_bound_cidrs="127.0.0.0/8")


async def test_a_role_without_secret_ids_needs_an_address(method: Bench) -> None:
    with pytest.raises(InvalidRequest, match="at least one constraint"):
        await method.write("role/open", {"bind_secret_id": False})
    await method.write("role/open", {"bind_secret_id": False, "secret_id_bound_cidrs": "127.0.0.1/32"})
    role_id = (await method.read("role/open/role-id"))["role_id"]
    await sign_in(method, role_id)
    with pytest.raises(InvalidCredentials):
        await sign_in(method, role_id, remote="10.0.0.1")
    with pytest.raises(InvalidRequest, match="bind_secret_id is not set"):
        await ids(method, "open")


async def test_renewal_checks_the_role_again(method: Bench) -> None:
    auth = await sign_in(method, *await ids(method))
    await method.write("role/ci", {"token_ttl": "2h"})
    assert (await method.renew_login(auth)).ttl == 7200
    await method.delete("role/ci")
    with pytest.raises(InvalidRequest, match="exist"):
        await method.renew_login(auth)
    await method.write("role/ci", {})
    with pytest.raises(InvalidRequest, match="exist"):
        await method.renew_login(auth)


@given(uses=st.integers(1, 4), attempts=st.integers(0, 7))
async def test_a_secret_id_opens_as_often_as_it_says(uses: int, attempts: int) -> None:
    method = await bench(AppRole(), "auth/approle/")
    await method.write("role/ci", {})
    role_id, secret_id = await ids(method, num_uses=uses)
    opened = 0
    for _ in range(attempts):
        try:
            await sign_in(method, role_id, secret_id)
            opened += 1
        except InvalidCredentials:
            continue
    assert opened == min(uses, attempts)
