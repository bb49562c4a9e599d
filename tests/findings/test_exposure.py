"""The exposure window: the version's life, the time it was exposed, and exactly who read it."""

from typing import Any

import pytest

from strongroom.clock import rfc3339
from strongroom.errors import PermissionDenied
from strongroom.framework import Operation
from tests.remediation.house import House

FIRST, SECOND = "kT7vQ2xLw9ZsB4nRy6HcJ1mD", "Wm3XpK8sLq5VbN1zRt7YhJ2c"


async def window(house: House, finding: str) -> Any:
    return (await house.read(f"findings/{finding}/exposure"))["windows"][0]


async def leak(house: House, version: int = 1, **place: Any) -> str:
    told = await house.report(await house.row(version), place=place)
    id: str = told["listed"][0]["id"]
    return id


async def test_only_those_who_were_given_that_version_are_readers(house: House) -> None:
    for name in ("ann", "bob", "eve", "mallory"):
        await house.person(name)
    await house.write("sys/policies/acl/all", policy='path "kv/data/*" { capabilities = ["read"] }')
    await house.secret(FIRST, plan=False)
    await house.read("kv/data/app/db", "ann")
    await house.read("kv/data/app/db", "ann", version=1)
    await house.write("kv/data/app/db", data={"password": SECOND})
    await house.read("kv/data/app/db", "bob")
    await house.read("kv/data/app/db", "eve", version=1)
    await house.write("sys/policies/acl/all", policy='path "x" { capabilities = ["read"] }')
    with pytest.raises(PermissionDenied):
        await house.read("kv/data/app/db", "mallory", version=1)
    seen = await window(house, await leak(house))
    assert {each["identity"]: each["count"] for each in seen["readers"]} == {
        "userpass-ann": 2,
        "userpass-eve": 1,
    }
    assert seen["readers"][0]["addresses"] == ["192.0.2.7"]
    assert (seen["complete"], seen["differences"]) == (True, [])


async def test_whoever_unwraps_is_known_by_address(house: House) -> None:
    await house.person("ann")
    await house.secret(FIRST, plan=False)
    answer = await house.answer(Operation.READ, "kv/data/app/db", "ann", _wrap_ttl=60)
    assert answer.wrap is not None
    house.tokens["wrapped"] = answer.wrap.token.reveal()
    await house.answer(Operation.WRITE, "sys/wrapping/unwrap", "wrapped", _remote="203.0.113.9")
    seen = await window(house, await leak(house))
    assert [(each["identity"], each["wrapped"]) for each in seen["readers"]] == [("userpass-ann", True)]
    assert seen["readers"][0]["addresses"] == ["192.0.2.7", "203.0.113.9"]


async def test_the_window_runs_from_the_commit_until_the_version_is_destroyed(house: House) -> None:
    await house.secret(FIRST, plan=False)
    made = house.clock.now()
    house.clock.advance(100)
    committed = house.clock.now()
    house.clock.advance(100)
    finding = await leak(house, date=rfc3339(committed))
    house.clock.advance(50)
    await house.write("kv/destroy/app/db", versions=[1])
    seen = await window(house, finding)
    assert seen["usable_from"] == rfc3339(made)
    assert seen["exposed_from"] == rfc3339(committed)
    assert seen["ended_by"] == "destroyed"
    assert seen["seconds_usable_and_exposed"] == pytest.approx(150, abs=1)


async def test_a_commit_date_that_cannot_be_is_not_believed(house: House) -> None:
    await house.secret(FIRST, plan=False)
    made = house.clock.now()
    early = await window(house, await leak(house, date="1999-01-01T00:00:00Z"))
    assert early["exposed_from"] == rfc3339(made)
    told = await house.report(
        await house.row(), fingerprint="b" * 32, place={"commit": "dead", "date": "2099-01-01T00:00:00Z"}
    )
    late = await window(house, told["listed"][0]["id"])
    assert late["exposed_from"] == rfc3339(house.clock.now())


async def test_a_rotation_ends_the_window(house: House) -> None:
    await house.secret(FIRST)
    finding = await leak(house)
    incident = (await house.read(f"findings/{finding}"))["incident"]
    shown = await house.until(incident, "contained")
    seen = await window(house, finding)
    assert (seen["ended_by"], seen["usable_until"]) == ("proved dead", shown["contained"])


async def test_a_mount_that_moved_keeps_its_readers(house: House) -> None:
    await house.person("ann")
    await house.secret(FIRST, plan=False)
    await house.read("kv/data/app/db", "ann")
    await house.write("sys/remount", **{"from": "kv", "to": "moved"})
    await house.work()
    seen = await window(house, await leak(house))
    assert seen["secret"].startswith("moved/app/db")
    assert [each["identity"] for each in seen["readers"]] == ["userpass-ann"]
