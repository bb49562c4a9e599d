"""Waiting inside a rotation: for an approval, and for every known consumer to fetch the new version.

Grace ends when everyone who is known to read the secret has fetched the new version, but not
before the time that instances sharing one identity need; or at its limit. Where nobody is
known, or more than are remembered, at its limit: to know of nobody is not to know that there
is nobody.
"""

from collections.abc import Awaitable, Callable
from itertools import count

from msgspec.structs import replace

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.core import Core
from strongroom.jobs import JobContext
from strongroom.rotation.neighbours import Consumer, Neighbours
from strongroom.rotation.readers import MAX_READERS, Readers
from strongroom.rotation.record import Plan, find_run, view
from strongroom.rotation.scene import Scene
from strongroom.rotation.targets import rotated
from strongroom.rotation.targets.outlet import Outlet

OVER, MET = -1.0, 0.0
DAY = 86400.0
FIRST_LOOK, LAST_LOOK = 0.5, 60.0
GROWTH = 1.3
LOOKS = 200
Look = Callable[[BarrierTransaction], Awaitable[float]]


class Waiting:
    """Sleeps of rotations, between looks that are steps."""

    def __init__(self, core: Core, neighbours: Neighbours, readers: Readers, outlet: Outlet) -> None:
        self._core = core
        self._neighbours = neighbours
        self._readers = readers
        self._outlet = outlet

    async def consumers(self, tx: BarrierTransaction, plan: Plan, since: float) -> list[Consumer]:
        """Everyone known to have read a plan's secret after `since`, the newest readers first."""
        scene = Scene(self._core, tx, plan)
        mount, path = rotated(plan, self._outlet).place(scene)
        found = {
            *await self._neighbours.consumers(tx, mount, path),
            *await self._readers.of(tx, f"{mount}{path}"),
            *await self._readers.of(tx, f"rotation/{plan.name}"),
        }
        newest: dict[str, Consumer] = {}
        for one in found:
            known = newest.get(one.name, one)
            newest[one.name] = Consumer(
                one.name, max(one.version, known.version), max(one.last_read, known.last_read)
            )
        recent = [one for one in newest.values() if one.last_read >= since]
        return sorted(recent, key=lambda one: (-one.last_read, one.name))

    async def grace(self, ctx: JobContext, rotation: str, plan: Plan) -> None:
        """Sleep until grace is over."""

        async def look(tx: BarrierTransaction) -> float:
            rows, now = view(tx), ctx.now()
            run = await find_run(rows, rotation)
            known = await self.consumers(tx, plan, run.published - plan.consumer_days * DAY)
            late = tuple(one.name for one in known if one.version < run.new)
            settled = now >= run.published + plan.settle
            everyone = 0 < len(known) < MAX_READERS  # with more of them some are no longer remembered
            if now < run.grace_ends and not (everyone and not late and settled):
                return run.grace_ends - now
            rows.put(f"run/{rotation}", replace(run, state="retiring", late=late))
            return MET

        await self._looking(ctx, "grace", look, plan.grace)

    async def approval(self, ctx: JobContext, rotation: str, limit: float) -> bool:
        """Sleep until someone approves; False when nobody did in time."""

        async def look(tx: BarrierTransaction) -> float:
            run = await find_run(view(tx), rotation)
            if run.approved_by:
                return MET
            return limit - ctx.now() if ctx.now() < limit else OVER

        return await self._looking(ctx, "approval", look, limit - ctx.now()) == MET

    async def _looking(self, ctx: JobContext, name: str, look: Look, limit: float) -> float:
        """Look, and sleep longer each time, until a look says that it is enough."""
        pause, longest = FIRST_LOOK, max(LAST_LOOK, limit / LOOKS)
        for number in count():
            await self._readers.flush()
            left = await ctx.change(f"{name}-{number}", look, float)
            if left in (OVER, MET):
                return left
            await ctx.sleep(min(pause, left), f"{name}-sleep-{number}")
            pause = min(pause * GROWTH, longest)
        raise AssertionError("counting does not end")
