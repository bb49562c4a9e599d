"""When plans come round: presets, cron expressions, several at once, or by type and risk.

A schedule of the jobs engine stands for each: `rotation/<plan>/<number>`.
"""

from collections.abc import Iterable

from msgspec import Struct, field

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.errors import InvalidRequest, NotFound
from strongroom.jobs import JobContext, Kind, Timing, schedules
from strongroom.rotation.record import Plan, view
from strongroom.rotation.starting import named, start

DUE = "rotation/due"
BY_RISK = "by-risk"
MAX_SCHEDULES = 8
PRESETS = {
    "daily": "@daily",
    "weekly": "@weekly",
    "monthly": "@monthly",
    "quarterly": "@quarterly",
    # Pipelines are quiet early on a weekday, and people are there soon after.
    "ci-weekly": "0 5 * * 2",
    "ci-monthly": "0 5 * * 2#1",
}
CADENCE = {
    "ci/restricted": "ci-weekly",
    "ci/confidential": "ci-weekly",
    "ci/*": "ci-monthly",
    "*/restricted": "daily",
    "*/confidential": "weekly",
    "*/internal": "monthly",
    "*/public": "quarterly",
    "*/*": "monthly",
}


class Due(Struct, frozen=True):
    """The arguments of a planned start."""

    plan: str


class Nothing(Struct, frozen=True):
    """No arguments."""


class Cadence(Struct, frozen=True):
    """The preset for each `type/classification`; `*` stands for any."""

    presets: dict[str, str] = field(default_factory=CADENCE.copy)

    def check(self) -> None:
        """Raises InvalidRequest."""
        for place, preset in self.presets.items():
            if place.count("/") != 1 or not all(place.split("/")):
                raise InvalidRequest("a cadence is for 'type/classification', '*' for any")
            if preset not in PRESETS and preset != "manual":
                raise InvalidRequest(f"a cadence is 'manual' or one of {', '.join(PRESETS)}")

    def preset(self, type_name: str, classification: str) -> str:
        """The closest row's: both named, the type, the classification, neither."""
        for place in (f"{type_name}/{classification}", f"{type_name}/*", f"*/{classification}", "*/*"):
            if place in self.presets:
                return self.presets[place]
        return "manual"


async def cadence(rows: View) -> Cadence:
    """The table in force."""
    return await rows.find("cadence", Cadence) or Cadence()


def timings(plan: Plan, table: Cadence, classification: str) -> list[Timing]:
    """A plan's timings. Raises InvalidRequest."""
    if len(plan.schedule) > MAX_SCHEDULES:
        raise InvalidRequest(f"a plan has at most {MAX_SCHEDULES} schedules")
    named_presets = [
        table.preset(named(plan), classification) if text == BY_RISK else text for text in plan.schedule
    ]
    made = [
        Timing(cron=PRESETS.get(text, text), timezone=plan.timezone, window=plan.window, jitter=plan.jitter)
        for text in dict.fromkeys(named_presets)
        if text != "manual"
    ]
    for timing in made:
        timing.check()
    return made


async def follow(tx: BarrierTransaction, plan: Plan, classification: str, now: float) -> None:
    """Let the jobs engine start a plan when its time comes; forget what it no longer says."""
    made = [] if plan.paused else timings(plan, await cadence(view(tx)), classification)
    for number, timing in enumerate(made):
        await schedules.put(tx, _name(plan.name, number), DUE, Due(plan.name), timing, now=now)
    await forget(tx, plan.name, range(len(made), MAX_SCHEDULES))


async def forget(tx: BarrierTransaction, plan: str, numbers: Iterable[int] = range(MAX_SCHEDULES)) -> None:
    """Remove a plan's schedules."""
    for number in numbers:
        try:
            await schedules.remove(tx, _name(plan, number))
        except NotFound:
            continue


async def planned(tx: BarrierTransaction, plan: str) -> list[schedules.Schedule]:
    """A plan's schedules."""
    found = []
    for number in range(MAX_SCHEDULES):
        try:
            found.append(await schedules.find(tx, _name(plan, number)))
        except NotFound:
            break
    return found


async def _start(ctx: JobContext, due: Due) -> None:
    """The job that a schedule starts: it starts the plan's rotation."""

    async def begin(tx: BarrierTransaction) -> None:
        plan = await view(tx).find(f"plan/{due.plan}", Plan)
        if plan is not None and not plan.paused:  # it may have been deleted or paused meanwhile
            await start(tx, due.plan, "as scheduled", now=ctx.now(), trigger="schedule")

    await ctx.change("start", begin)


DUE_KIND = Kind(DUE, Due, _start)


def _name(plan: str, number: int) -> str:
    return f"rotation/{plan}/{number}"
