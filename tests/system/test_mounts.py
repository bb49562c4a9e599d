"""Mounting, tuning, moving and unmounting."""

import pytest

from strongroom.errors import InvalidRequest, NotFound, PermissionDenied
from tests.suites.house import House


@pytest.fixture
async def house() -> House:
    made = await House.opened()
    await made.write("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    await made.write("secret/data/a", {"data": {"x": 1}})
    return made


async def test_the_table_is_answered_in_the_doubled_form(house: House) -> None:
    answer = await house.read("sys/mounts")
    assert answer.doubled
    assert answer.data["secret/"]["options"] == {"version": "2"}
    assert set(answer.data) == {"cubbyhole/", "secret/", "sys/"}


async def test_kinds_that_can_be_mounted_say_that_they_are_supported(house: House) -> None:
    await house.write("sys/auth/userpass", {"type": "userpass"})
    for path in ("sys/mounts/secret", "sys/auth/userpass"):
        assert (await house.read(path)).data["deprecation_status"] == "supported"
    every = (await house.read("sys/mounts")).data
    assert "deprecation_status" in every["secret/"]
    assert "deprecation_status" not in every["sys/"]


@pytest.mark.parametrize(
    ("path", "kind", "problem"),
    [
        ("secret", "kv", "already in use"),
        ("secret/below", "kv", "overlaps"),
        ("sys", "kv", "reserved"),
        ("sys/x", "kv", "reserved"),
        ("audit", "kv", "reserved"),
        ("x", "nokv", "not found in the catalog"),
        ("x", "system", "not found in the catalog"),
        ("x", "kv-v3", "not found in the catalog"),
    ],
)
async def test_what_cannot_be_mounted_is_refused(house: House, path: str, kind: str, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        await house.write(f"sys/mounts/{path}", {"type": kind})


async def test_a_mount_moves_to_canonical_paths_only(house: House) -> None:
    for target in ("a/../b", "a//b", ".", "sys/x", "auth/x", ""):
        with pytest.raises(InvalidRequest):
            await house.write("sys/remount", {"from": "secret", "to": target})


async def test_tuning_changes_only_what_is_named(house: House) -> None:
    await house.write("sys/mounts/secret/tune", {"default_lease_ttl": "1h", "description": "new"})
    await house.write("sys/mounts/secret/tune", {"max_lease_ttl": 7200})
    found = (await house.read("sys/mounts/secret/tune")).data
    assert (found["default_lease_ttl"], found["max_lease_ttl"], found["description"]) == (3600, 7200, "new")
    with pytest.raises(InvalidRequest):
        await house.write("sys/mounts/secret/tune", {"default_lease_ttl": "3h"})
    with pytest.raises(InvalidRequest):
        await house.write("sys/mounts/secret/tune", {"options": {"version": "1"}})


async def test_moving_keeps_the_data_and_closes_the_old_path(house: House) -> None:
    answer = await house.write("sys/remount", {"from": "secret", "to": "kept/here"})
    status = (await house.read(f"sys/remount/status/{answer.data['migration_id']}")).data
    assert status["migration_info"]["status"] == "success"
    assert (await house.read("kept/here/data/a")).data
    with pytest.raises(NotFound):
        await house.read("secret/data/a")
    with pytest.raises(InvalidRequest):
        await house.write("sys/remount", {"from": "sys", "to": "x"})


async def test_unmounting_destroys_the_data(house: House) -> None:
    await house.delete("sys/mounts/secret")
    with pytest.raises(NotFound):
        await house.read("secret/data/a")
    assert not await house.core.barrier.begin().scan("mount/")
    await house.delete("sys/mounts/secret")
    with pytest.raises(InvalidRequest):
        await house.delete("sys/mounts/sys")


async def test_a_mount_survives_seal_and_unseal(house: House) -> None:
    await house.write("sys/seal", {})
    await house.unseal()
    assert (await house.read("secret/data/a")).data


async def test_the_preflight_answers_whoever_may_use_something_inside(house: House) -> None:
    await house.write(
        "sys/policies/acl/p", {"policy": 'path "secret/data/team/*" { capabilities = ["read"] }'}
    )
    token = await house.token(policies=["p"])
    found = (await house.read("sys/internal/ui/mounts/secret/whatever/x", token=token)).data
    assert found["path"] == "secret/"
    assert found["options"]["version"] == "2"
    other = await house.token(policies=["default"])
    for asking in (other, None, "wrong"):
        with pytest.raises(PermissionDenied, match="preflight capability check returned 403"):
            await house.read("sys/internal/ui/mounts/secret/x", token=asking)


async def test_longest_mount_wins_by_whole_segments(house: House) -> None:
    await house.write("sys/mounts/secrets", {"type": "kv", "options": {"version": "1"}})
    await house.write("secrets/a", {"y": 2})
    assert (await house.read("secrets/a")).data
    with pytest.raises(NotFound):
        await house.read("secrets/b")


async def test_a_new_mount_at_an_old_path_sees_nothing_of_the_old_one(house: House) -> None:
    await house.delete("sys/mounts/secret")
    await house.write("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    with pytest.raises(NotFound):
        await house.read("secret/data/a")
