"""`[backup]`: made on schedule, recorded, told of when they fail or stay away, and the oldest removed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from strongroom.audit.segments import segments
from strongroom.clock import FakeClock
from strongroom.errors import NotFound
from strongroom.framework import Operation
from strongroom.jobs import listed
from strongroom.jobs.schedules import find
from strongroom.server.assembly import open_house
from strongroom.server.backup_settings import BackupSettings, plan_of
from strongroom.server.config import Config
from strongroom.server.log import OperatorLog
from strongroom.server.problems import StartFailed
from strongroom.storage.backup import file
from strongroom.storage.backup.places import name_at
from strongroom.system import backups
from tests.system.test_backup import Desk

ROUTE = "sys/storage/backups"
HOUR = 3600.0
PREFIX = "strongroom_backup_"


class Planned(Desk):
    """A server with a plan, under a clock that the test turns."""

    def __init__(self, data: Path, settings: BackupSettings) -> None:
        super().__init__(data)
        self.settings, self.clock = settings, FakeClock()

    async def open(self) -> None:
        self._stack = AsyncExitStack()
        config = Config(data=str(self.data), backup=self.settings)
        self.house = await open_house(config, self.clock, OperatorLog("text", "error"), self._stack)
        if not self.share:
            made = await self.ask(Operation.WRITE, "sys/init", secret_shares=1, secret_threshold=1)
            self.share, self.token = made["keys"][0], made["root_token"]
        await self.ask(Operation.WRITE, "sys/unseal", key=self.share)

    async def wait(self, seconds: float) -> None:
        """Let that time pass, and what is due then be done."""
        self.clock.advance(seconds)
        assert self.house is not None
        core = self.house.core
        for _ in range(3000):
            core.services["jobs"].wake()
            await asyncio.sleep(0.01)
            # The schedule first: another node may start its job between the two looks.
            schedule = await find(core.barrier.begin(), backups.SCHEDULE)
            jobs = [job for job in (await listed(core.barrier.begin())).jobs if job.active]
            due = [*(job.due for job in jobs if job.state != "running"), schedule.due]
            if min(due) > self.clock.now() and all(job.state != "running" for job in jobs):
                return
        raise AssertionError("the jobs do not come to rest")

    async def metrics(self) -> dict[str, float]:
        """What is told of backups, without the common beginning of the names."""
        answer = await self.answer(Operation.READ, "sys/metrics", format="prometheus")
        assert answer.raw is not None
        return {
            sample.name.removeprefix(PREFIX): sample.value
            for family in text_string_to_metric_families(answer.raw.body.decode())
            for sample in family.samples
            if sample.name.startswith(PREFIX)
        }


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def _move(path: Path, target: Path) -> None:
    path.rename(target)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


@pytest.fixture
async def desk(tmp_path: Path, place: Path) -> AsyncIterator[Planned]:
    made = Planned(tmp_path / "data", BackupSettings(to=str(place), every="6h", keep=2))
    await made.open()
    yield made
    await made.close()


async def test_they_are_made_when_they_are_due_and_the_newest_stay(desk: Planned, place: Path) -> None:
    planned = await desk.ask(Operation.READ, ROUTE)
    assert (planned["last"], planned["every"], planned["keep"]) == (None, "6h", 2)
    made = []
    for _ in range(3):
        await desk.wait(6 * HOUR)
        made.append((await desk.ask(Operation.READ, ROUTE))["last"])
    assert _names(place) == [Path(one["file"]).name for one in made[1:]]
    newest = Path(made[-1]["file"])
    assert newest.name == name_at(desk.clock.now())
    header = file.extract(newest, place / "snapshot")
    assert made[-1]["size_bytes"] > header["size_bytes"]
    assert header["audit_entries"] == made[-1]["audit_entries"]
    assert _names(desk.data / "backup") == []
    numbers = await desk.metrics()
    assert numbers == {
        "last_success_timestamp_seconds": desk.clock.now(),
        "size_bytes": made[-1]["size_bytes"],
        "failures": 0,
        "overdue": 0,
    }
    assert b'"operation":"backup"' in segments(desk.data / "audit")[-1].path.read_bytes()


async def test_a_failure_is_told_of_and_the_next_success_clears_it(
    desk: Planned, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = place.with_name("away")
    _move(place, away)
    with caplog.at_level(logging.ERROR):
        await desk.wait(6 * HOUR)
    assert f"a backup to {place} failed" in caplog.text
    answer = await desk.answer(Operation.READ, ROUTE)
    assert answer.warnings == (f"backups fail: {place} is no directory; it may not be mounted",)
    assert (await desk.metrics())["failures"] == 1
    _move(away, place)
    await desk.wait(backups.FIRST_PAUSE)
    shown = await desk.answer(Operation.READ, ROUTE)
    assert (shown.data["failures"], shown.warnings, len(_names(place))) == (0, (), 1)


async def test_backups_that_stay_away_are_overdue(desk: Planned) -> None:
    assert desk.house is not None
    await desk.house.core.services["jobs"].stop()
    desk.clock.advance(12 * HOUR - 1)
    assert not (await desk.ask(Operation.READ, ROUTE))["overdue"]
    desk.clock.advance(2)
    answer = await desk.answer(Operation.READ, ROUTE)
    assert (answer.data["overdue"], len(answer.warnings)) == (True, 1)
    assert (await desk.metrics())["overdue"] == 1


async def test_one_is_made_when_it_is_asked_for(desk: Planned, place: Path) -> None:
    job = (await desk.ask(Operation.WRITE, ROUTE))["job"]
    await desk.wait(0)
    assert (await desk.ask(Operation.READ, f"sys/jobs/{job}"))["state"] == "done"
    assert len(_names(place)) == 1


async def test_a_plan_that_is_taken_back_leaves_no_schedule(desk: Planned) -> None:
    await desk.close()
    left = desk.data / "backup" / "0.copy"
    left.parent.mkdir(exist_ok=True)
    left.touch()
    desk.settings = BackupSettings()
    await desk.open()
    assert await desk.ask(Operation.READ, ROUTE) == {"configured": False}
    assert not left.exists()
    with pytest.raises(NotFound):
        await desk.ask(Operation.WRITE, ROUTE)
    with pytest.raises(NotFound):
        await desk.ask(Operation.READ, f"sys/job-schedules/{backups.SCHEDULE}")
    assert await desk.metrics() == {}


@pytest.mark.parametrize(
    ("settings", "storage"),
    [
        (BackupSettings(to="/backups"), "memory"),
        (BackupSettings(every="1h"), "sqlite"),
        (BackupSettings(to="/backups", keep=-1), "sqlite"),
        (BackupSettings(to="/backups", every="soon"), "sqlite"),
        (BackupSettings(to="s3://B", every="1h"), "sqlite"),
        (BackupSettings(to="s3://bucket", endpoint="http://far.example"), "postgresql"),
    ],
)
def test_a_plan_that_cannot_work_stops_the_start(settings: BackupSettings, storage: str) -> None:
    with pytest.raises(StartFailed, match="backups cannot be made"):
        plan_of(settings, storage)


@pytest.mark.parametrize("every", ["30m", "2d", "@daily", "30 2 * * 1-5"])
def test_when_is_an_interval_or_a_cron_expression(every: str) -> None:
    plan = plan_of(BackupSettings(to="/backups", every=every), "sqlite")
    assert plan is not None
    assert not plan.late(0, 0)
    assert plan.late(0, 14 * 24 * HOUR)
