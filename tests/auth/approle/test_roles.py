"""AppRole roles: whole and by single setting."""

from typing import Any

import pytest

from strongroom.errors import InvalidCredentials, InvalidRequest, NotFound
from strongroom.framework import Auth, Operation
from tests.suites.engine import Bench


async def ids(method: Bench, role: str = "ci", **settings: Any) -> tuple[str, str]:
    role_id = (await method.read(f"role/{role}/role-id"))["role_id"]
    return role_id, (await method.write(f"role/{role}/secret-id", settings))["secret_id"]


async def sign_in(method: Bench, role_id: str, secret_id: str = "", remote: str = "127.0.0.1") -> Auth:
    body = {"role_id": role_id, "secret_id": secret_id}
    response = await method.call(Operation.WRITE, "login", body, remote=remote)
    assert response.auth is not None
    return response.auth


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


@pytest.mark.parametrize("name", ["-a", "a b", "a,b", "a" * 257])
async def test_what_is_no_name_is_refused(method: Bench, name: str) -> None:
    with pytest.raises(InvalidRequest, match="role name"):
        await method.write(f"role/{name}", {})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"secret_id_num_uses": -1}, "secret_id_num_uses"),
        ({"secret_id_bound_cidrs": "canary"}, "secret_id_bound_cidrs"),
        ({"secret_id_bound_cidrs": ","}, "secret_id_bound_cidrs"),
        ({"secret_id_bound_cidrs": ["", " "]}, "secret_id_bound_cidrs"),
        ({"bound_cidr_list": "10.0.0.0/8,"}, "secret_id_bound_cidrs"),
        ({"token_bound_cidrs": ","}, "token_bound_cidrs"),
        ({"token_bound_cidrs": [5]}, "token_bound_cidrs"),
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
