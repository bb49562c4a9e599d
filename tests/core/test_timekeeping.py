"""The system's clock is moved by an hour and by ten years, both ways: with the store open, and over a stop."""

import logging
from contextlib import suppress

import pytest

from strongroom.clock import FakeClock, SystemClock
from strongroom.core.timekeeping import DAY, KEPT_EVERY, Timekeeper
from strongroom.errors import InvalidCredentials, PermissionDenied, RateLimited, Unavailable
from strongroom.jobs import JobContext, Timing, schedules
from strongroom.system.ceremonies import Permissions
from tests.core.test_leases import Issuer, lease
from tests.jobs.house import House as Jobs
from tests.jobs.house import Target, kind, turn
from tests.suites.house import House

HOUR, TEN_YEARS = 3600.0, 3652 * DAY
JUMPS = pytest.mark.parametrize("jump", [HOUR, -HOUR, TEN_YEARS, -TEN_YEARS])


@pytest.fixture
async def house() -> House:
    Issuer.alive.clear()
    Issuer.down = False
    made = await House.opened(engines={"issuer": Issuer()})
    await made.write("sys/mounts/db", {"type": "issuer"})
    return made


async def nothing(ctx: JobContext, job: Target) -> None:
    """What the job does."""


async def good(house: House, token: str) -> bool:
    """Whether the token is let in."""
    try:
        await house.read("auth/token/lookup-self", token=token)
    except PermissionDenied:
        return False
    return True


async def started_again(house: House, *, shown: float, longest_closed: float = 0) -> House:
    """Another process over what is stored, on a machine whose clock shows `shown`."""
    if not house.core.sealed:
        await house.core.seal()
    again = House(Permissions(), {"issuer": Issuer()}, house.storage, FakeClock(shown))
    again.core.initialized = True
    again.core.timekeeper.longest_closed = longest_closed or again.core.timekeeper.longest_closed
    again.shares, again.root = house.shares, house.root
    await again.unseal()
    return again


@JUMPS
async def test_a_jump_while_the_store_is_open_neither_ends_nor_prolongs_anything(
    house: House, jump: float
) -> None:
    token = await house.token(policies=["default"], ttl="30m")
    await lease(house, "a")  # for 100 seconds
    house.clock.jump(jump)
    await house.core.expiry.sweep()
    assert await good(house, token)
    assert Issuer.alive == {"a"}
    house.clock.advance(101)
    await house.core.expiry.sweep()
    assert not Issuer.alive
    house.clock.advance(30 * 60)
    assert not await good(house, token)


@JUMPS
async def test_a_jump_opens_no_name_that_is_locked_and_locks_none_for_longer(
    house: House, jump: float
) -> None:
    await house.write("sys/auth/userpass", {"type": "userpass"})
    await house.write("auth/userpass/users/bob", {"password": "correct"})

    async def signs_in(password: str) -> bool:
        with suppress(InvalidCredentials, PermissionDenied):
            await house.write("auth/userpass/login/bob", {"password": password}, token=None)
            return True
        return False

    for _ in range(5):
        assert not await signs_in("wrong")
    house.clock.jump(jump)
    assert not await signs_in("correct")
    house.clock.advance(15 * 60)
    assert await signs_in("correct")


@JUMPS
async def test_a_jump_fills_no_bucket_of_a_rate_limit_and_empties_none(house: House, jump: float) -> None:
    await house.write("sys/quotas/rate-limit/q", {"rate": 2, "interval": "1m", "path": "db"})
    await lease(house, "a")
    house.clock.jump(jump)
    await lease(house, "b")
    with pytest.raises(RateLimited):
        await lease(house, "c")
    house.clock.advance(30)
    await lease(house, "c")


@JUMPS
async def test_a_jump_starts_no_job_early_and_none_late(jump: float) -> None:
    jobs = await Jobs.opened()
    workers = jobs.workers(kind(nothing, "tidy"))
    tx, now = jobs.begin(), jobs.clock.now()
    await schedules.put(tx, "hourly", "tidy", Target(), Timing(interval=HOUR), now=now)
    await tx.commit()
    jobs.clock.jump(jump)
    jobs.clock.advance(HOUR - 1)
    assert not await turn(workers)
    jobs.clock.advance(1)
    await turn(workers)
    assert (await schedules.find(jobs.begin(), "hourly")).last_run == now + HOUR


@JUMPS
async def test_the_audit_log_goes_by_the_time_that_nobody_moves(house: House, jump: float) -> None:
    house.clock.jump(jump)
    house.clock.advance(5)
    await house.read("sys/mounts")
    times = [str(entry["time"]) for entry in house.log.entries()]
    assert times == sorted(times)
    assert times[-1].startswith("2023-11-14T22:13:25.")


async def test_a_moved_clock_is_told_once_each_time_and_shown(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    keeper = house.core.timekeeper
    for jump in (5, HOUR, 0, -2 * HOUR, HOUR):
        house.clock.jump(jump)
        await keeper.look()
    assert [record.getMessage() for record in caplog.records] == [
        "the system clock is 3605 s ahead of the server's time, which goes on",
        "the system clock is 3595 s behind the server's time, which goes on",
        "the system clock agrees with the server's time again",
    ]
    house.clock.jump(-1)
    health = await house.read("sys/health", token=None)
    assert isinstance(health.data, dict)
    assert health.data["clock_skew_ms"] == 4000


async def test_a_store_closed_for_an_hour_ends_what_is_over(house: House) -> None:
    """That the clock alone was moved cannot be told from that."""
    token, longer = [await house.token(policies=["default"], ttl=ttl) for ttl in ("30m", "3h")]
    again = await started_again(house, shown=house.clock.shown + HOUR)
    assert not await good(again, token)
    assert await good(again, longer)


@pytest.mark.parametrize("back", [HOUR, TEN_YEARS])
async def test_a_clock_set_back_over_a_stop_prolongs_nothing(
    house: House, back: float, caplog: pytest.LogCaptureFixture
) -> None:
    ended, token = [await house.token(policies=["default"], ttl=ttl) for ttl in ("1m", "30m")]
    house.clock.advance(120)
    again = await started_again(house, shown=house.clock.shown - back)
    assert f"the system clock is {back:.0f} s behind" in caplog.text
    assert not await good(again, ended)
    assert await good(again, token)
    again.clock.advance(28 * 60)
    assert not await good(again, token)


async def test_a_clock_ten_years_ahead_keeps_the_store_closed_and_ends_nothing(house: House) -> None:
    token = await house.token(policies=["default"], ttl="30m")
    await lease(house, "a")
    right = house.clock.shown
    with pytest.raises(Unavailable, match=r"3652 days past .* 2023-11-14T22:13:20Z: set it right"):
        await started_again(house, shown=right + TEN_YEARS)
    assert Issuer.alive == {"a"}
    again = await started_again(house, shown=right + 60)
    assert await good(again, token)
    assert Issuer.alive == {"a"}


async def test_a_process_takes_up_a_clock_that_was_set_right_while_it_was_sealed(house: House) -> None:
    token = await house.token(policies=["default"], ttl="30m")
    await house.core.seal()
    house.clock.jump(TEN_YEARS)
    with pytest.raises(Unavailable):
        await house.unseal()
    assert house.core.sealed
    house.clock.jump(HOUR / 6 - TEN_YEARS)
    await house.unseal()
    assert await good(house, token)
    house.clock.advance(20 * 60)
    assert not await good(house, token)


async def test_a_store_that_was_really_closed_for_ten_years_opens_when_told(house: House) -> None:
    token = await house.token(policies=["default"], ttl="30m")
    await lease(house, "a")
    again = await started_again(house, shown=house.clock.shown + TEN_YEARS, longest_closed=TEN_YEARS)
    assert not await good(again, token)
    await again.core.expiry.sweep()
    assert not Issuer.alive


async def test_after_a_crash_the_kept_moment_is_half_a_minute_old_at_most(house: House) -> None:
    token = await house.token(policies=["default"], ttl="30m")
    for _ in range(29):
        house.clock.advance(KEPT_EVERY)
        await house.core.timekeeper.look()
    house.core.barrier.seal()
    house.core.sealed = True
    again = await started_again(house, shown=house.clock.shown - TEN_YEARS)
    assert await good(again, token)
    again.clock.advance(30 * 60 - 28 * KEPT_EVERY)
    assert not await good(again, token)


async def test_of_two_nodes_the_later_moment_is_kept(house: House) -> None:
    behind = FakeClock(house.clock.now() - HOUR)
    slow = Timekeeper(house.core.barrier.begin, behind)
    await slow.keep(always=True)
    await slow.open()
    assert behind.now() == house.clock.now()
    assert slow.skew == -HOUR


def test_the_systems_clock_counts_the_time_of_a_suspended_machine() -> None:
    clock = SystemClock()
    assert abs(clock.wall() - clock.now()) < 5
