"""When plans run: presets, cron, several schedules, by risk."""

from datetime import UTC, datetime

import pytest

from strongroom.errors import InvalidRequest
from strongroom.jobs import Timing
from strongroom.rotation.schedule import PRESETS
from tests.rotation.plans import Beside, begun

DAY = 86400


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


async def test_pipelines_are_rotated_on_weekday_mornings() -> None:
    for preset in ("ci-weekly", "ci-monthly"):
        timing = Timing(cron=PRESETS[preset])
        moment = 1_700_000_000.0
        for _ in range(24):
            moment = timing.after(moment, moment)
            day = datetime.fromtimestamp(moment, UTC)
            assert (day.weekday() < 5, day.hour) == (True, 5)


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
        ("ci", "internal", "0 5 * * 2#1"),
        ("ci", "", "0 5 * * 2#1"),
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
