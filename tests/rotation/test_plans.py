"""Plans: schedules and risk, grace and consumers, approvals, incidents, fallbacks, what is late."""

from typing import Any

import pytest

from strongroom.errors import InvalidRequest, NotFound, PermissionDenied
from strongroom.jobs import cancel as cancel_job
from strongroom.rotation import Consumer, plan_for, start, status
from tests.rotation.plans import Beside, begun, value, write

DAY = 86400


class Key:
    mount, path = "kv/", "app"


async def test_a_generated_value_changes_and_the_rest_stays() -> None:
    house = await begun(grace=60)
    rotation = await house.rotate("app")
    await house.work()
    new = await value(house)
    assert new["user"] == "app"
    assert len(new["password"]) == 20
    assert (await value(house, version="1"))["password"] == "first"
    await house.until(rotation, "done")
    await write(house, target={"kind": "generate", "secret": "kv/app", "destroy": True}, grace=0)
    rotation = await house.rotate("app")
    await house.until(rotation, "done")
    assert (await house.read("kv/metadata/app")).data["versions"]["2"]["destroyed"]
    assert await value(house) != new
    await house.core.seal()


async def test_grace_ends_when_every_known_consumer_has_the_new_version() -> None:
    beside = Beside()
    house = await begun(beside, grace=7 * DAY, settle=60)
    now = house.clock.now()
    beside.known = [Consumer("web", 1, now), Consumer("batch", 1, now), Consumer("gone", 1, now - 99 * DAY)]
    preview = (await house.write("rotation/plans/app/rotate", {"dry_run": True})).data
    assert [one["name"] for one in preview["consumers"]] == ["batch", "web"]
    assert preview["consumers"][0]["version"] == 1
    rotation = await house.rotate("app")
    await house.work()
    beside.known = [Consumer("web", 2, now), Consumer("batch", 1, now)]
    house.clock.advance(3600)
    await house.work()
    assert (await house.rotation(rotation))["state"] == "grace"
    beside.known = [Consumer("web", 2, now), Consumer("batch", 2, now)]
    shown = await house.until(rotation, "done", step=900)
    assert shown["late_consumers"] == ()
    assert house.clock.now() - now < DAY
    await house.core.seal()


async def test_with_more_readers_than_are_remembered_grace_lasts_to_its_limit() -> None:
    beside = Beside()
    house = await begun(beside, grace=7200, settle=0)
    now = house.clock.now()
    for count, state in ((255, "done"), (256, "grace")):
        beside.known = [Consumer(f"pod-{number}", 9, now) for number in range(count)]
        rotation = await house.rotate("app")
        await house.work()
        house.clock.advance(3600)
        await house.work()
        assert (await house.rotation(rotation))["state"] == state
    await house.core.seal()


async def test_grace_ends_at_its_limit_and_names_who_is_late() -> None:
    beside = Beside()
    house = await begun(beside, grace=600)
    beside.known = [Consumer("web", 1, house.clock.now())]
    rotation = await house.rotate("app")
    shown = await house.until(rotation, "done", step=60)
    assert shown["late_consumers"] == ("web",)
    rotation = await house.rotate("app", grace="1h")
    await house.work()
    await house.write(f"rotation/rotations/{rotation}/end-grace")
    await house.work()
    assert (await house.rotation(rotation))["state"] == "done"
    await house.core.seal()


async def test_where_nobody_is_known_grace_lasts_to_its_limit() -> None:
    house = await begun(grace=600, settle=0)
    rotation = await house.rotate("app")
    await house.work()
    house.clock.advance(599)
    await house.work()
    assert (await house.rotation(rotation))["state"] == "grace"
    await house.until(rotation, "done")
    await house.core.seal()


async def test_an_approval_is_someone_elses() -> None:
    house = await begun(approval=True)
    rotation = await house.rotate("app")
    await house.work()
    assert (await house.rotation(rotation))["state"] == "approval"
    with pytest.raises(PermissionDenied, match="whoever asked"):
        await house.write(f"rotation/rotations/{rotation}/approve")
    other = await house.token(policies=["root"], display_name="second")
    await house.write(f"rotation/rotations/{rotation}/approve", token=other)
    with pytest.raises(InvalidRequest):
        await house.write(f"rotation/rotations/{rotation}/approve", token=other)
    shown = await house.until(rotation, "grace")
    assert shown["approved_by"] == "token-second"
    await house.core.seal()


async def test_what_nobody_approves_in_time_does_not_happen() -> None:
    house = await begun(approval=True)
    rotation = await house.rotate("app")
    await house.until(rotation, "cancelled", step=3 * 3600)
    assert (await value(house))["password"] == "first"
    assert (await house.plan("app"))["failures"] == 0
    await house.core.seal()


async def test_an_incident_starts_a_plan_and_ends_a_grace() -> None:
    house = await begun(grace=DAY, on_incident="automatic")
    first = await house.rotate("app")
    await house.work()
    tx = house.core.barrier.begin()
    assert await plan_for(tx, Key()) == "app"
    second = await start(tx, "app", "leaked", "incident-1", now=house.clock.now(), grace=5)
    assert await start(tx, "app", "leaked again", "incident-2", now=house.clock.now()) == second
    await tx.commit()
    assert second != first
    await house.until(first, "done")
    shown = await house.until(second, "done")
    assert (shown["incident"], shown["trigger"], shown["new_version"]) == ("incident-1", "incident", 3)
    assert (await status(house.core.barrier.begin(), second)).state == "done"
    await house.write("rotation/plans/app", {"on_incident": "never"})
    with pytest.raises(InvalidRequest, match="not rotated on incidents"):
        await start(house.core.barrier.begin(), "app", "", "incident-3", now=house.clock.now())
    await house.core.seal()


async def test_a_start_during_a_rotation_joins_it_until_it_is_published() -> None:
    house = await begun(grace=100)
    first = await house.rotate("app")
    assert await house.rotate("app") == first
    await house.work()
    queued = await house.rotate("app")
    assert queued != first
    assert (await house.rotation(queued))["state"] == "queued"
    assert await house.rotate("app") == queued
    assert set((await house.list("rotation/rotations")).data["keys"]) == {first, queued}
    await house.until(queued, "done")
    assert (await house.rotation(first))["state"] == "done"
    with pytest.raises(NotFound):
        await house.list("rotation/rotations")
    await house.core.seal()


async def test_cancelling_before_and_after_its_version_is_out() -> None:
    house = await begun(grace=100, approval=True)
    rotation = await house.rotate("app")
    await house.work()
    await house.write(f"rotation/rotations/{rotation}/cancel")
    await house.until(rotation, "cancelled")
    await house.write("rotation/plans/app", {"approval": False})
    rotation = await house.rotate("app")
    await house.work()
    with pytest.raises(InvalidRequest, match="in force"):
        await house.write(f"rotation/rotations/{rotation}/cancel")
    with pytest.raises(InvalidRequest, match="under way"):
        await house.delete("rotation/plans/app")
    await house.write(f"rotation/rotations/{rotation}/cancel", {"force": True})
    await house.until(rotation, "failed")
    await house.delete("rotation/plans/app")
    assert await plan_for(house.core.barrier.begin(), Key()) is None
    await house.core.seal()


async def test_a_job_cancelled_before_it_began_frees_its_plan() -> None:
    house = await begun()
    rotation = await house.rotate("app")
    job = (await house.rotation(rotation))["job"]
    tx = house.core.barrier.begin()
    await cancel_job(tx, job, house.clock.now())
    await tx.commit()
    assert (await house.rotation(rotation))["state"] == "cancelled"
    again = await house.rotate("app")
    assert again != rotation
    await house.until(again, "grace")
    await house.core.seal()


async def test_a_failure_falls_back_as_the_plan_says() -> None:
    house = await begun(attempts=1)
    await house.write("kv/data/other", {"data": {"password": "x"}})
    await write(house, "spare", "kv/other", grace=0)
    policy = 'length = 8\nrule "charset" { charset = "abc" }'
    await house.write("sys/policies/password/soon-gone", {"policy": policy})
    target = {"kind": "generate", "secret": "kv/app", "password_policy": "soon-gone"}
    fallback = {"fallback": "second_plan", "second_plan": "spare"}
    await house.write("rotation/plans/app", {"target": target, **fallback})
    await house.delete("sys/policies/password/soon-gone")
    failed = await house.until(await house.rotate("app"), "failed")
    assert (failed["failed_step"], failed["error"]) == ("prepare", "InvalidRequest")
    (instead,) = (await house.list("rotation/plans/spare/history")).data["keys"]
    assert (await house.until(instead, "done"))["trigger"] == "fallback"
    await house.write("sys/policies/password/soon-gone", {"policy": policy})
    await house.write("rotation/plans/app", {"fallback": "retry", "second_plan": "", "retry_after": 600})
    await house.delete("sys/policies/password/soon-gone")
    await house.until(await house.rotate("app"), "failed")
    house.clock.advance(601)
    await house.work()
    await house.work()
    assert len((await house.list("rotation/plans/app/history")).data["keys"]) == 3
    await house.core.seal()


async def test_late_plans_are_listed() -> None:
    house = await begun(schedule="weekly", window=60)
    with pytest.raises(NotFound):
        await house.list("rotation/overdue")
    house.clock.advance(15 * DAY)
    late = (await house.list("rotation/overdue")).data
    assert late["keys"] == ["app"]
    assert late["key_info"]["app"]["late_seconds"] > 5 * DAY
    await house.until(await house.rotate("app", grace=0), "done")
    with pytest.raises(NotFound):
        await house.list("rotation/overdue")
    await house.core.seal()


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": {"kind": "generate", "secret": "cubbyhole/x"}},
        {"target": {"kind": "generate", "secret": "kv/"}},
        {"target": {"kind": "generate", "secret": "kv/x", "fields": []}},
        {"target": {"kind": "generate", "secret": "kv/x", "password_policy": "none"}},
        {"target": {"kind": "guess", "secret": "kv/x"}},
        {"target": "neither = ["},
        {"target": {"kind": "generate", "secret": "kv/app"}, "name": "second"},
        {"fallback": "second_plan"},
        {"fallback": "second_plan", "second_plan": "app"},
        {"second_plan": "other"},
        {"grace": "400d"},
        {"description": "a\nb"},
        {"attempts": 0},
    ],
)
async def test_a_plan_that_could_not_be_carried_out_is_refused(wrong: dict[str, Any]) -> None:
    house = await begun()
    with pytest.raises((InvalidRequest, NotFound)):
        await house.write(f"rotation/plans/{wrong.pop('name', 'app')}", wrong)
    await house.core.seal()


async def test_a_target_may_be_given_as_toml() -> None:
    house = await begun()
    await house.write(
        "rotation/plans/app", {"target": 'kind = "generate"\nsecret = "kv/app"\nfields = ["a"]'}
    )
    assert (await house.plan("app"))["target"]["fields"] == ("a",)
    assert (await house.list("rotation/plans")).data["key_info"]["app"]["kind"] == "generate"
    await house.core.seal()
