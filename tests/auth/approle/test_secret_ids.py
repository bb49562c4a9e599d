"""AppRole secret ids: made, looked up, destroyed, kept apart."""

from typing import Any

import pytest

from strongroom.errors import InvalidCredentials, InvalidRequest, NotFound, UnsupportedOperation
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


async def test_local_secret_ids_are_fixed_at_creation(method: Bench) -> None:
    await method.write("role/near", {"local_secret_ids": True})
    assert await method.read("role/near/local-secret-ids") == {"local_secret_ids": True}
    await method.write("role/near", {"local_secret_ids": True, "token_ttl": 60})
    with pytest.raises(InvalidRequest, match="during role creation"):
        await method.write("role/near", {"local_secret_ids": False})
    with pytest.raises(UnsupportedOperation):
        await method.write("role/near/local-secret-ids", {"local_secret_ids": False})


@pytest.mark.parametrize(
    "path", ["secret-id", "secret-id/lookup", "secret-id/destroy", "secret-id-accessor/lookup"]
)
async def test_a_missing_role_is_named(method: Bench, path: str) -> None:
    with pytest.raises(NotFound, match="role 'none' does not exist"):
        await method.write(f"role/none/{path}", {"secret_id": "x", "secret_id_accessor": "x"})


async def test_tidy_removes_what_has_expired(method: Bench) -> None:
    await ids(method, ttl="1m")
    role_id, kept = await ids(method)
    method.clock.advance(60)
    response = await method.call(Operation.WRITE, "tidy/secret-id")
    assert response.status == 202
    assert len(await method.barrier.begin().scan("mount/u-1/secret/", "", 10)) == 1
    assert len(await method.barrier.begin().scan("mount/u-1/accessor/", "", 10)) == 1
    await sign_in(method, role_id, kept)
