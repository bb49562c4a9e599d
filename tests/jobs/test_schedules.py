"""Schedules by a fake clock: cron over clock changes and month ends, intervals, windows, jitter, missed runs."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.clock import FakeClock
from strongroom.errors import InvalidRequest, NotFound
from strongroom.jobs import JobContext, Timing, Workers, listed, schedules
from strongroom.jobs.schedules import Schedule
from tests.jobs.house import House, Target, kind, turn

BERLIN = ZoneInfo("Europe/Berlin")


def _local(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def _runs(cron: str, start: str, count: int, zone: ZoneInfo = BERLIN) -> list[str]:
    timing = Timing(cron=cron, timezone=zone.key)
    now, found = _local(start, zone), []
    for _ in range(count):
        now = timing.after(0, now)
        found.append(datetime.fromtimestamp(now, zone).strftime("%Y-%m-%d %H:%M%z"))
    return found


@pytest.mark.parametrize(
    ("cron", "start", "runs"),
    [
        pytest.param(
            "30 2 * * *",
            "2026-03-28T12:00",
            ["2026-03-29 03:00+0200", "2026-03-30 02:30+0200"],
            id="a time that a spring night skips comes right after the gap",
        ),
        pytest.param(
            "30 2 * * *",
            "2026-10-24T12:00",
            ["2026-10-25 02:30+0200", "2026-10-26 02:30+0100"],
            id="a time that an autumn night repeats comes once",
        ),
        pytest.param(
            "0 * * * *",
            "2026-10-25T01:30",
            ["2026-10-25 02:00+0200", "2026-10-25 02:00+0100", "2026-10-25 03:00+0100"],
            id="every hour stays every hour in autumn",
        ),
        pytest.param(
            "0 * * * *",
            "2026-03-29T00:30",
            ["2026-03-29 01:00+0100", "2026-03-29 03:00+0200", "2026-03-29 04:00+0200"],
            id="every hour stays every hour in spring",
        ),
        pytest.param(
            "0 9 31 * *",
            "2026-01-31T10:00",
            ["2026-03-31 09:00+0200", "2026-05-31 09:00+0200", "2026-07-31 09:00+0200"],
            id="months without a 31st are passed over",
        ),
        pytest.param(
            "0 9 L * *",
            "2028-01-31T10:00",
            ["2028-02-29 09:00+0100", "2028-03-31 09:00+0200", "2028-04-30 09:00+0200"],
            id="the last day of each month, in a leap year",
        ),
        pytest.param(
            "0 0 29 2 *",
            "2026-01-01T00:00",
            ["2028-02-29 00:00+0100", "2032-02-29 00:00+0100"],
            id="leap days",
        ),
        pytest.param(
            "@quarterly",
            "2026-02-01T00:00",
            [
                "2026-04-01 00:00+0200",
                "2026-07-01 00:00+0200",
                "2026-10-01 00:00+0200",
                "2027-01-01 00:00+0100",
            ],
            id="quarterly",
        ),
        pytest.param(
            "0 8 * * MON-FRI",
            "2026-11-27T12:00",
            ["2026-11-30 08:00+0100", "2026-12-01 08:00+0100"],
            id="working days",
        ),
    ],
)
def test_cron(cron: str, start: str, runs: list[str]) -> None:
    assert _runs(cron, start, len(runs)) == runs


@given(
    st.sampled_from(["*/7 * * * *", "0 2 * * *", "30 2 * * *", "15 0 1 * *", "@weekly"]),
    st.floats(0, 2**32),
    st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"]),
)
def test_the_next_run_is_always_later(cron: str, now: float, zone: str) -> None:
    timing = Timing(cron=cron, timezone=zone)
    first = timing.after(0, now)
    assert now < first < now + 40 * 86400
    assert timing.after(0, first) > first


@pytest.mark.parametrize(
    "timing",
    [
        Timing(),
        Timing(cron="* * * * *", interval=60),
        Timing(interval=0.5),
        Timing(interval=-60),
        Timing(cron="* * * *"),
        Timing(cron="* * * * * *"),
        Timing(cron="61 * * * *"),
        Timing(cron="0 0 31 2 *"),
        Timing(cron="@fortnightly"),
        Timing(cron="0 0 * * *," + "1," * 200),
        Timing(cron="0 0 * * *", timezone="Mars/Olympus"),
        Timing(cron="0 0 * * *", timezone="../../etc/passwd"),
        Timing(cron="0 0 * * *", timezone=""),
        Timing(interval=60, jitter=-1),
        Timing(interval=60, window=-1),
        Timing(interval=60, window=10, jitter=20),
    ],
)
def test_what_cannot_be_followed_is_refused(timing: Timing) -> None:
    with pytest.raises(InvalidRequest):
        timing.check()


class Clockwork:
    """A house with a schedule named `s`, and workers that count runs."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.runs: list[float] = []
        self.grace = 0.0
        self.workers: Workers = house.workers(kind(self.run))

    @property
    def clock(self) -> FakeClock:
        return self.house.clock

    async def run(self, ctx: JobContext, target: Target) -> None:
        await ctx.step("count", self.count)
        await ctx.sleep(self.grace)

    async def count(self, _: str) -> None:
        self.runs.append(self.clock.now())

    async def put(self, timing: Timing, target: Target | None = None) -> Schedule:
        tx = self.house.begin()
        made = await schedules.put(tx, "s", "test", target or Target(), timing, now=self.clock.now())
        await tx.commit()
        return made

    async def find(self) -> Schedule:
        return await schedules.find(self.house.begin(), "s")

    async def pass_by(self, seconds: float, pace: float) -> None:
        for _ in range(round(seconds / pace)):
            self.clock.advance(pace)
            await turn(self.workers)


@pytest.fixture
def clockwork(house: House) -> Clockwork:
    return Clockwork(house)


async def test_an_interval_comes_round(clockwork: Clockwork) -> None:
    start = clockwork.clock.now()
    await clockwork.put(Timing(interval=60))
    await clockwork.pass_by(600, 10)
    assert clockwork.runs == [start + 60 * n for n in range(1, 11)]
    jobs = (await listed(clockwork.house.begin())).jobs
    assert {job.schedule for job in jobs} == {"s"}


async def test_missed_runs_are_made_up_for_by_one(clockwork: Clockwork) -> None:
    start = clockwork.clock.now()
    await clockwork.put(Timing(interval=60))
    clockwork.clock.advance(605)
    await turn(clockwork.workers)
    await turn(clockwork.workers)
    assert len(clockwork.runs) == 1
    assert (await clockwork.find()).due == start + 660


async def test_a_run_outside_its_window_waits_for_the_next(clockwork: Clockwork) -> None:
    await clockwork.put(Timing(interval=3600, window=300))
    clockwork.clock.advance(3600 + 301)
    await turn(clockwork.workers)
    assert not clockwork.runs
    assert (await clockwork.find()).left_out == 1
    clockwork.clock.advance(3600 - 301 + 299)
    await turn(clockwork.workers)
    assert len(clockwork.runs) == 1


async def test_jitter_delays_within_bounds_and_all_nodes_agree(clockwork: Clockwork) -> None:
    timing = Timing(interval=3600, jitter=600)
    await clockwork.put(timing)
    delays = []
    for _ in range(20):
        found = await clockwork.find()
        delays.append(found.due - found.planned)
        assert found.due == timing.delayed(found.planned, "s")
        clockwork.clock.advance(found.due - clockwork.clock.now() + 0.01)
        await turn(clockwork.workers)
    assert all(0 <= delay < 600 for delay in delays)
    assert max(delays) - min(delays) > 200
    assert len(clockwork.runs) == 20


async def test_a_run_never_meets_its_predecessor(clockwork: Clockwork) -> None:
    clockwork.grace = 150
    await clockwork.put(Timing(interval=60))
    await clockwork.pass_by(600, 10)
    assert len(clockwork.runs) == 4
    assert (await clockwork.find()).left_out == 6


async def test_two_nodes_start_one_run(clockwork: Clockwork) -> None:
    other = clockwork.house.workers(kind(clockwork.run))
    await clockwork.put(Timing(interval=60))
    for _ in range(10):
        clockwork.clock.advance(60)
        name = (await clockwork.find()).name
        now = clockwork.clock.now()
        await schedules.tick(clockwork.house.begin, name, now)
        await schedules.tick(clockwork.house.begin, name, now)
        await turn(other)
        await turn(clockwork.workers)
    assert len(clockwork.runs) == 10


async def test_the_same_schedule_keeps_its_next_run_and_a_changed_one_plans_anew(
    clockwork: Clockwork,
) -> None:
    first = await clockwork.put(Timing(interval=60))
    clockwork.clock.advance(30)
    assert (await clockwork.put(Timing(interval=60))).due == first.due
    changed = await clockwork.put(Timing(interval=100))
    assert changed.due == clockwork.clock.now() + 100
    await clockwork.pass_by(90, 10)
    assert not clockwork.runs
    await clockwork.pass_by(10, 10)
    assert len(clockwork.runs) == 1


async def test_a_removed_schedule_is_silent(clockwork: Clockwork) -> None:
    await clockwork.put(Timing(interval=60))
    assert await schedules.names(clockwork.house.begin()) == ["s"]
    tx = clockwork.house.begin()
    await schedules.remove(tx, "s")
    await tx.commit()
    await clockwork.pass_by(600, 60)
    assert not clockwork.runs
    with pytest.raises(NotFound):
        await clockwork.find()


async def test_a_schedule_has_a_name(house: House) -> None:
    for name in ("", "x" * 201):
        with pytest.raises(InvalidRequest):
            await schedules.put(house.begin(), name, "test", Target(), Timing(interval=60), now=0)
