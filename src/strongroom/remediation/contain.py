"""Running a playbook, as a job: each step is in the store before the next begins.

A crash goes on at the first step without a result. What the server cannot do is left to people:
the step then waits until someone says that it is done, or until the store shows that it is.
"""

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.jobs import JobContext, Kind
from strongroom.remediation import deeds, record
from strongroom.remediation.deeds import Hand
from strongroom.remediation.moment import Desk, Run
from strongroom.remediation.playbook import Step

CONTAIN = "incidents/contain"
ATTEMPTS = 50
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 300.0
HAND_PAUSES = (60.0,) * 60
HAND_LATER = 6 * 3600.0
GROWTH = 1.08
FIRST_LOOK = 0.25


class Contain(Struct, frozen=True):
    """The job of an incident."""

    incident: str


class Containment:
    """One run of the job."""

    def __init__(self, ctx: JobContext, desk: Desk, incident: str) -> None:
        self._ctx = ctx
        self._run = Run(desk, incident)

    async def go(self) -> None:
        """Work off the playbook that the incident carries."""
        for step in await self._ctx.change("begin", self._steps, list[Step]):
            await self._do(step)
            await self._ctx.step(f"{step.called}:entry", lambda _, step=step: self._run.entry(step))  # type: ignore[misc]  # a default binds the step

    async def _steps(self, tx: BarrierTransaction) -> list[Step]:
        return list((await record.get(tx, self._run.incident)).steps)

    async def _do(self, step: Step) -> None:
        begin, wait = DOING[step.do]
        state = await self._ctx.change(f"{step.called}:begin", self._in(begin, step), str)
        if wait is not None and state == deeds.WAIT:
            state = await self._wait(step, wait)
        if state == deeds.HAND:
            await self._by_hand(step)

    async def _wait(self, step: Step, look: deeds.Doing) -> str:
        """Look again and again, less often the longer it takes."""
        number = 0
        while True:
            state = await self._ctx.change(f"{step.called}:look{number}", self._in(look, step), str)
            if state != deeds.WAIT:
                return state
            await self._ctx.sleep(FIRST_LOOK * GROWTH**number, f"{step.called}:pause{number}")
            number += 1

    async def _by_hand(self, step: Step) -> None:
        """Wait for people; whoever says that it is done wakes the job."""
        await self._ctx.change(f"{step.called}:hand", self._in(deeds.hand_over, step), str)
        number = 0
        while (
            await self._ctx.change(f"{step.called}:hand{number}", self._in(Hand.look, step), str)
            == deeds.WAIT
        ):
            pause = HAND_PAUSES[number] if number < len(HAND_PAUSES) else HAND_LATER
            await self._ctx.sleep(pause, f"{step.called}:rest{number}")
            number += 1

    def _in(self, deed: deeds.Doing, step: Step) -> Callable[[BarrierTransaction], Awaitable[str]]:
        async def change(tx: BarrierTransaction) -> str:
            incident = await record.get(tx, self._run.incident)
            before = incident.state
            state = await deed(self._run.at(tx, self._ctx.now()), incident, step)
            record.save(tx, incident, before)
            return state

        return change


DOING: Mapping[str, tuple[deeds.Doing, deeds.Doing | None]] = {
    "match": (deeds.match, None),
    "live": (deeds.live, None),
    "rotate": (deeds.rotate, deeds.rotated),
    "notify": (deeds.notify, None),
    "verify_dead": (deeds.verify_dead, deeds.verify_dead),
    "rescan": (deeds.rescan, deeds.rescanned),
    "by_hand": (deeds.leave, None),
    "close": (deeds.close, None),
}


def kind(desk: Desk) -> Kind[Contain]:
    """The kind of job that contains incidents."""

    async def run(ctx: JobContext, job: Contain) -> None:
        await Containment(ctx, desk, job.incident).go()

    return Kind(
        CONTAIN, Contain, run, attempts=ATTEMPTS, first_pause=FIRST_PAUSE, longest_pause=LONGEST_PAUSE
    )
