"""Plans: schedules and risk, grace and consumers, approvals, incidents, fallbacks, what is late."""

from typing import Any

import pytest
from msgspec.json import decode

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import InvalidRequest, NotFound, PermissionDenied
from strongroom.jobs import cancel as cancel_job
from strongroom.rotation import Consumer, Neighbours, plan_for, start, status
from tests.rotation.house import House

DAY = 86400


class Beside:
    """An inventory that says what the test tells it to."""

    def __init__(self) -> None:
        self.known: list[Consumer] = []
        self.classification = ""

    async def consumers(self, tx: BarrierTransaction, mount: str, path: str) -> list[Consumer]:
        return self.known if (mount, path) == ("kv/", "app") else []

    async def classified(self, tx: BarrierTransaction, mount: str, path: str) -> str:
        return self.classification

    @property
    def neighbours(self) -> Neighbours:
        return Neighbours(self.consumers, self.classified)


async def begun(beside: Beside | None = None, **plan: Any) -> House:
    house = await House.begun((beside or Beside()).neighbours)
    await house.write("kv/data/app", {"data": {"password": "first", "user": "app"}})
    await write(house, **plan)
    return house


async def write(house: House, name: str = "app", secret: str = "kv/app", **plan: Any) -> None:
    await house.write(f"rotation/plans/{name}", {"target": {"kind": "generate", "secret": secret}, **plan})


async def value(house: House, **query: str) -> dict[str, str]:
    found: dict[str, str] = decode((await house.read("kv/data/app", query=query)).data["data"])
    return found


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


@pytest.mark.parametrize(
    ("preset", "days"),
    [("daily", 1), ("weekly", 7), ("monthly", 31), ("quarterly", 92), ("ci-weekly", 7), ("ci-monthly", 31)],
)
async def test_a_preset_comes_round(preset: str, days: int) -> None:
    house = await begun(schedule=preset, grace=0)
    assert (await house.plan("app"))["next_run"]
    house.clock.advance(days * DAY)
    await house.work()
    house.clock.advance(1)
    await house.work()
    (rotation,) = (await house.list("rotation/plans/app/history")).data["keys"]
    shown = await house.until(rotation, "done")
    assert (shown["trigger"], shown["new_version"]) == ("schedule", 2)
    await house.core.seal()


async def test_several_schedules_and_cron_and_none() -> None:
    house = await begun(schedule=["weekly", "ci-monthly", "30 4 * * 1-5"])
    assert len((await house.plan("app"))["runs"]) == 3
    await house.write("rotation/plans/app", {"schedule": "weekly,monthly"})
    assert [one["cron"] for one in (await house.plan("app"))["runs"]] == ["@weekly", "@monthly"]
    await house.write("rotation/plans/app", {"paused": True})
    assert (await house.plan("app"))["runs"] == []
    await house.write("rotation/plans/app", {"paused": False, "schedule": "manual"})
    assert (await house.plan("app"))["next_run"] is None
    for wrong in ("sometimes", "* * *", "61 * * * *"):
        with pytest.raises(InvalidRequest):
            await house.write("rotation/plans/app", {"schedule": wrong})
    await house.core.seal()


@pytest.mark.parametrize(
    ("type_name", "classification", "cron"),
    [
        ("", "restricted", "@daily"),
        ("", "confidential", "@weekly"),
        ("", "", "@monthly"),
        ("", "public", "@quarterly"),
        ("ci", "restricted", "0 5 * * 2"),
        ("ci", "internal", "0 5 2 * *"),
        ("ci", "", "0 5 2 * *"),
    ],
)
async def test_a_plan_by_risk_follows_type_and_classification(
    type_name: str, classification: str, cron: str
) -> None:
    beside = Beside()
    beside.classification = classification
    house = await begun(beside, schedule="by-risk", type=type_name)
    assert [one["cron"] for one in (await house.plan("app"))["runs"]] == [cron]
    await house.core.seal()


async def test_plans_follow_a_changed_cadence_and_classification() -> None:
    beside = Beside()
    house = await begun(beside, schedule="by-risk")
    await house.write("rotation/cadence", {"presets": {"*/*": "weekly", "*/secret": "daily"}})
    assert [one["cron"] for one in (await house.plan("app"))["runs"]] == ["@weekly"]
    beside.classification = "secret"
    house.clock.advance(2 * DAY)
    await house.work()
    assert [one["cron"] for one in (await house.plan("app"))["runs"]] == ["@daily"]
    for wrong in ({"*": "daily"}, {"a/b": "never"}):
        with pytest.raises(InvalidRequest):
            await house.write("rotation/cadence", {"presets": wrong})
    await house.write("rotation/cadence", {"presets": {}})
    assert (await house.read("rotation/cadence")).data["presets"]["*/restricted"] == "daily"
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
