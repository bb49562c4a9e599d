"""`sys/locked-users`: which names are closed, and opening one."""

import pytest
from argon2 import PasswordHasher

from strongroom.auth import userpass
from strongroom.errors import InvalidCredentials, PermissionDenied
from tests.suites.house import House


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> House:
    """Two userpass mounts; `ann` is closed at the first, `bob` and `cid` at the second."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(userpass, "NOBODY", cheap.hash("thrown away"))
    monkeypatch.setattr(userpass, "HASHER", cheap)
    made = await House.opened()
    for path, names in (("one", ("ann",)), ("two", ("bob", "cid"))):
        await made.write(f"sys/auth/{path}", {"type": "userpass"})
        for name in ("ann", "bob", "cid", "dan"):
            await made.write(f"auth/{path}/users/{name}", {"password": "right"})
        for name in (*names, "ghost"):
            await fail(made, path, name, 5)
        await fail(made, path, "dan", 4)
    return made


async def fail(house: House, path: str, name: str, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(InvalidCredentials):
            await house.write(f"auth/{path}/login/{name}", {"password": "wrong"}, token=None)


async def accessor(house: House, path: str) -> str:
    return str((await house.read(f"sys/auth/{path}")).data["accessor"])


async def test_the_closed_names_are_listed_by_method_the_fullest_first(house: House) -> None:
    answer = (await house.read("sys/locked-users")).data
    one, two = await accessor(house, "one"), await accessor(house, "two")
    assert answer == {
        "by_namespace": [
            {
                "namespace_id": "root",
                "namespace_path": "",
                "counts": 3,
                "mount_accessors": [
                    {"mount_accessor": two, "counts": 2, "alias_identifiers": ["bob", "cid"]},
                    {"mount_accessor": one, "counts": 1, "alias_identifiers": ["ann"]},
                ],
            }
        ],
        "total": 3,
    }


async def test_one_method_can_be_asked_for(house: House) -> None:
    one = await accessor(house, "one")
    answer = (await house.read("sys/locked-users", query={"mount_accessor": one})).data
    assert (answer["total"], answer["by_namespace"][0]["mount_accessors"][0]["mount_accessor"]) == (1, one)
    none = (await house.read("sys/locked-users", query={"mount_accessor": "auth_none"})).data
    assert (none["total"], none["by_namespace"][0]["mount_accessors"][0]["counts"]) == (0, 0)


async def test_an_unlocked_name_signs_in_and_the_others_stay_closed(house: House) -> None:
    two = await accessor(house, "two")
    await house.write(f"sys/locked-users/{two}/unlock/BOB")
    answer = await house.write("auth/two/login/bob", {"password": "right"}, token=None)
    assert answer.auth is not None
    for path, name in (("two", "cid"), ("one", "ann")):
        with pytest.raises(PermissionDenied):
            await house.write(f"auth/{path}/login/{name}", {"password": "right"}, token=None)


async def test_a_name_that_nobody_has_is_not_told_and_can_be_opened(house: House) -> None:
    with pytest.raises(PermissionDenied):
        await house.write("auth/one/login/ghost", {"password": "x"}, token=None)
    one = await accessor(house, "one")
    await house.write(f"sys/locked-users/{one}/unlock/ghost")
    await fail(house, "one", "ghost")


async def test_names_open_by_themselves_and_none_is_closed_where_lockout_is_off(house: House) -> None:
    await house.write("sys/auth/one/tune", {"user_lockout_config": {"lockout_disable": True}})
    assert (await house.read("sys/locked-users")).data["total"] == 2
    house.clock.advance(15 * 60)
    assert (await house.read("sys/locked-users")).data == {
        "by_namespace": [{"namespace_id": "root", "namespace_path": "", "counts": 0, "mount_accessors": []}],
        "total": 0,
    }


async def test_a_policy_must_allow_both(house: House) -> None:
    plain = await house.token(policies=["default"])
    one = await accessor(house, "one")
    with pytest.raises(PermissionDenied):
        await house.read("sys/locked-users", token=plain)
    with pytest.raises(PermissionDenied):
        await house.write(f"sys/locked-users/{one}/unlock/ann", token=plain)


async def test_a_namespace_sees_and_opens_its_own_and_what_is_below(house: House) -> None:
    await house.write("sys/namespaces/team")
    for space in ("team", ""):
        await house.write("sys/auth/three", {"type": "userpass"}, namespace=space)
        await house.write("auth/three/users/eve", {"password": "right"}, namespace=space)
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await house.write("auth/three/login/eve", {"password": "x"}, token=None, namespace="team")
    root = (await house.read("sys/locked-users")).data
    assert [(one["namespace_path"], one["counts"]) for one in root["by_namespace"]] == [("", 3), ("team/", 1)]
    team = (await house.read("sys/locked-users", namespace="team")).data
    assert [(one["namespace_path"], one["counts"]) for one in team["by_namespace"]] == [("team/", 1)]
    one = await accessor(house, "one")
    await house.write(f"sys/locked-users/{one}/unlock/ann", namespace="team")
    assert (await house.read("sys/locked-users")).data["total"] == 4
    three = team["by_namespace"][0]["mount_accessors"][0]["mount_accessor"]
    await house.write(f"sys/locked-users/{three}/unlock/eve", namespace="team")
    assert (await house.read("sys/locked-users")).data["total"] == 3
