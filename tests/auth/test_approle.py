"""AppRole: roles, secret ids, sign-in, and that a use is spent once."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.auth.approle import AppRole
from strongroom.errors import InvalidCredentials, InvalidRequest, NotFound, UnsupportedOperation
from strongroom.framework import Auth, Operation
from tests.suites.engine import Bench, bench


@pytest.fixture
async def method() -> Bench:
    made = await bench(AppRole(), "auth/approle/")
    await made.write("role/ci", {"token_policies": "deploy"})
    return made


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


async def test_secret_ids_expire(method: Bench) -> None:
    role_id, secret_id = await ids(method, ttl="1m")
    method.clock.advance(59)
    await sign_in(method, role_id, secret_id)
    method.clock.advance(1)
    with pytest.raises(InvalidCredentials):
        await sign_in(method, role_id, secret_id)
    assert await method.write("role/ci/secret-id/lookup", {"secret_id": secret_id}) is None
    with pytest.raises(NotFound):
        await method.list("role/ci/secret-id")


async def test_no_id_is_in_storage_as_it_is(method: Bench) -> None:
    role_id, secret_id = await ids(method)
    keys = await method.barrier.begin().scan("mount/", "", 1000)
    text = " ".join(keys)
    assert role_id not in text
    assert secret_id not in text
    for key in keys:
        value = await method.barrier.begin().get(key)
        assert secret_id.encode() not in (value or b"")


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


@pytest.mark.parametrize("how", ["secret", "accessor"])
async def test_another_role_cannot_reach_a_secret_id(method: Bench, how: str) -> None:
    await method.write("role/other", {})
    role_id, secret_id = await ids(method)
    accessor = (await method.list("role/ci/secret-id"))[0]
    if how == "secret":
        await method.write("role/other/secret-id/destroy", {"secret_id": secret_id})
        assert await method.write("role/other/secret-id/lookup", {"secret_id": secret_id}) is None
    else:
        for verb in ("lookup", "destroy"):
            with pytest.raises(NotFound):
                await method.write(f"role/other/secret-id-accessor/{verb}", {"secret_id_accessor": accessor})
    await sign_in(method, role_id, secret_id)


async def test_secret_ids_are_looked_up_and_destroyed(method: Bench) -> None:
    role_id, secret_id = await ids(method, ttl=120, metadata="a=1,b=2")
    (accessor,) = await method.list("role/ci/secret-id")
    facts = await method.write("role/ci/secret-id/lookup", {"secret_id": secret_id})
    assert facts == await method.write("role/ci/secret-id-accessor/lookup", {"secret_id_accessor": accessor})
    assert facts["metadata"] == {"a": "1", "b": "2"}
    assert facts["expiration_time"] == "2023-11-14T22:15:20Z"
    await method.write("role/ci/secret-id-accessor/destroy", {"secret_id_accessor": accessor})
    with pytest.raises(InvalidCredentials):
        await sign_in(method, role_id, secret_id)
    role_id, secret_id = await ids(method)
    facts = await method.write("role/ci/secret-id/lookup", {"secret_id": secret_id})
    assert facts["expiration_time"] == "0001-01-01T00:00:00Z"
    await method.call(Operation.DELETE, "role/ci/secret-id/destroy", {"secret_id": secret_id})
    await method.write("role/ci/secret-id/destroy", {"secret_id": secret_id})
    with pytest.raises(NotFound):
        await method.list("role/ci/secret-id")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("secret-id/lookup", "missing secret_id"),
        ("secret-id/destroy", "missing secret_id"),
        ("secret-id-accessor/lookup", "missing secret_id_accessor"),
        ("secret-id-accessor/destroy", "missing secret_id_accessor"),
        ("custom-secret-id", "missing secret_id"),
        ("role-id", "missing role_id"),
        ("policies", "missing token_policies"),
        ("period", "missing token_period"),
    ],
)
async def test_missing_fields_are_named(method: Bench, path: str, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        await method.write(f"role/ci/{path}", {})


async def test_custom_secret_ids(method: Bench) -> None:
    role_id = (await method.read("role/ci/role-id"))["role_id"]
    made = await method.write("role/ci/custom-secret-id", {"secret_id": "mine", "ttl": "1m"})
    assert made["secret_id"] == "mine"
    await sign_in(method, role_id, "mine")
    with pytest.raises(InvalidRequest, match="already registered"):
        await method.write("role/ci/custom-secret-id", {"secret_id": "mine"})
    method.clock.advance(60)
    await method.write("role/ci/custom-secret-id", {"secret_id": "mine"})
    await sign_in(method, role_id, "mine")
    with pytest.raises(InvalidRequest, match="longer"):
        await method.write("role/ci/custom-secret-id", {"secret_id": "x" * 4097})


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"num_uses": 4}, "num_uses"),
        ({"num_uses": 0}, "num_uses"),
        ({"num_uses": -1}, "num_uses"),
        ({"ttl": "2h"}, "ttl"),
        ({"ttl": 0}, "ttl"),
        ({"metadata": "canary"}, "metadata"),
        ({"metadata": '{"a":1}'}, "metadata"),
        ({"metadata": "{canary"}, "metadata"),
    ],
)
async def test_a_secret_id_stays_within_its_role(
    method: Bench, settings: dict[str, Any], problem: str
) -> None:
    await method.write("role/ci", {"secret_id_num_uses": 3, "secret_id_ttl": "1h"})
    with pytest.raises(InvalidRequest, match=problem) as caught:
        await ids(method, **settings)
    assert "canary" not in str(caught.value)


async def test_the_role_gives_a_secret_ids_defaults(method: Bench) -> None:
    await method.write("role/ci", {"secret_id_num_uses": 3, "secret_id_ttl": "1h"})
    made = await method.write("role/ci/secret-id", {"metadata": {"a": "b"}})
    assert (made["secret_id_num_uses"], made["secret_id_ttl"]) == (3, 3600)


async def test_role_ids_are_unique_and_can_be_chosen(method: Bench) -> None:
    first = (await method.read("role/ci/role-id"))["role_id"]
    await method.write("role/ci/role-id", {"role_id": "chosen"})
    await method.write("role/ci", {"role_id": "chosen"})
    secret_id = (await ids(method))[1]
    await sign_in(method, "chosen", secret_id)
    with pytest.raises(InvalidCredentials):
        await sign_in(method, first, secret_id)
    with pytest.raises(InvalidRequest, match="already in use"):
        await method.write("role/other", {"role_id": "chosen"})
    with pytest.raises(InvalidRequest, match="longer"):
        await method.write("role/ci/role-id", {"role_id": "x" * 4097})
    with pytest.raises(NotFound, match="does not exist"):
        await method.write("role/none/role-id", {"role_id": "x"})


SINGLE = [
    ("policies", "token_policies", ["x", "y"], []),
    ("period", "token_period", 3600, 0),
    ("token-ttl", "token_ttl", 60, 0),
    ("token-max-ttl", "token_max_ttl", 120, 0),
    ("token-num-uses", "token_num_uses", 5, 0),
    ("token-bound-cidrs", "token_bound_cidrs", ["10.0.0.0/8"], []),
    ("bind-secret-id", "bind_secret_id", True, True),
    ("secret-id-num-uses", "secret_id_num_uses", 5, 0),
    ("secret-id-ttl", "secret_id_ttl", 90, 0),
    ("secret-id-bound-cidrs", "secret_id_bound_cidrs", ["10.0.0.0/8"], None),
    ("bound-cidr-list", "bound_cidr_list", ["10.0.0.0/8"], None),
]


@pytest.mark.parametrize(("path", "field", "value", "default"), SINGLE)
async def test_single_settings(method: Bench, path: str, field: str, value: Any, default: Any) -> None:
    await method.write("role/ci/policies", {"token_policies": ""})
    before = await method.read("role/ci")
    await method.write(f"role/ci/{path}", {field: value})
    assert await method.read(f"role/ci/{path}") == {field: value}
    await method.delete(f"role/ci/{path}")
    assert await method.read(f"role/ci/{path}") == {field: default}
    assert await method.read("role/ci") == before
    with pytest.raises(NotFound):
        await method.read(f"role/none/{path}")
    with pytest.raises(NotFound):
        await method.write(f"role/none/{path}", {field: value})
    await method.delete(f"role/none/{path}")


async def test_old_names_of_single_settings(method: Bench) -> None:
    await method.write("role/ci/policies", {"policies": "x"})
    assert await method.read("role/ci/policies") == {"token_policies": ["x"], "policies": ["x"]}
    await method.write("role/ci/period", {"period": "2h"})
    assert await method.read("role/ci/period") == {"token_period": 7200, "period": 7200}


async def test_local_secret_ids_are_fixed_at_creation(method: Bench) -> None:
    await method.write("role/near", {"local_secret_ids": True})
    assert await method.read("role/near/local-secret-ids") == {"local_secret_ids": True}
    await method.write("role/near", {"local_secret_ids": True, "token_ttl": 60})
    with pytest.raises(InvalidRequest, match="during role creation"):
        await method.write("role/near", {"local_secret_ids": False})
    with pytest.raises(UnsupportedOperation):
        await method.write("role/near/local-secret-ids", {"local_secret_ids": False})


async def test_roles_are_read_listed_and_deleted(method: Bench) -> None:
    read = await method.read("role/CI")
    assert read["token_policies"] == ["deploy"]
    assert read["bind_secret_id"] is True
    assert await method.exists("role/ci") is True
    assert await method.list("role") == ["ci"]
    role_id, secret_id = await ids(method)
    await method.delete("role/ci")
    await method.delete("role/ci")
    assert await method.exists("role/ci") is False
    keys = await method.barrier.begin().scan("mount/u-1/", "", 1000)
    assert keys == ["mount/u-1/hash-key"]
    await method.write("role/ci", {"role_id": role_id})
    with pytest.raises(InvalidCredentials):
        await sign_in(method, role_id, secret_id)
    await method.delete("role/ci")
    for call in (method.read("role/ci"), method.read("role/ci/role-id"), method.list("role")):
        with pytest.raises(NotFound):
            await call


@pytest.mark.parametrize(
    "path", ["secret-id", "secret-id/lookup", "secret-id/destroy", "secret-id-accessor/lookup"]
)
async def test_a_missing_role_is_named(method: Bench, path: str) -> None:
    with pytest.raises(NotFound, match="role 'none' does not exist"):
        await method.write(f"role/none/{path}", {"secret_id": "x", "secret_id_accessor": "x"})


@pytest.mark.parametrize("name", ["-a", "a b", "a,b", "a" * 257])
async def test_what_is_no_name_is_refused(method: Bench, name: str) -> None:
    with pytest.raises(InvalidRequest, match="role name"):
        await method.write(f"role/{name}", {})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"secret_id_num_uses": -1}, "secret_id_num_uses"),
        ({"secret_id_bound_cidrs": "canary"}, "secret_id_bound_cidrs"),
        ({"token_policies": "ROOT"}, "root"),
        ({"secret_id_ttl": "canary"}, "secret_id_ttl"),
    ],
)
async def test_contradictions_are_refused(method: Bench, body: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem) as caught:
        await method.write("role/ci", body)
    assert "canary" not in str(caught.value)


async def test_default_batch_becomes_batch_with_a_warning(method: Bench) -> None:
    response = await method.call(Operation.WRITE, "role/ci", {"token_type": "default-batch"})
    assert "adjusting to batch" in response.warnings[0]
    assert (await method.read("role/ci"))["token_type"] == "batch"


async def test_tidy_removes_what_has_expired(method: Bench) -> None:
    await ids(method, ttl="1m")
    role_id, kept = await ids(method)
    method.clock.advance(60)
    response = await method.call(Operation.WRITE, "tidy/secret-id")
    assert response.status == 202
    assert len(await method.barrier.begin().scan("mount/u-1/secret/", "", 10)) == 1
    assert len(await method.barrier.begin().scan("mount/u-1/accessor/", "", 10)) == 1
    await sign_in(method, role_id, kept)


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
