"""One server's rotation: joined to the core, with its jobs registered and its readers watched."""

from strongroom.audit.devices.outbound import Outbound
from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.core import Core
from strongroom.errors import StrongroomError
from strongroom.jobs import JobContext, Kind, Timing, Workers, schedules
from strongroom.rotation.neighbours import Neighbours
from strongroom.rotation.readers import Readers
from strongroom.rotation.record import MOUNT, Plan, view
from strongroom.rotation.rotating import Rotations
from strongroom.rotation.scene import Scene
from strongroom.rotation.schedule import DUE_KIND, Nothing, follow
from strongroom.rotation.targets import Rotated, rotated
from strongroom.rotation.targets.outlet import Outlet
from strongroom.storage.contract import Conflict

REPLAN = "rotation/replan"
DAILY = Timing(interval=86400, jitter=3600)
PAGE = 1000


class RotationDesk:
    """What the engine's handlers and the server share. `attach` joins it to the core."""

    def __init__(self, core: Core, workers: Workers, outbound: Outbound, neighbours: Neighbours) -> None:
        self._core = core
        self._workers = workers
        self.neighbours = neighbours
        self.outlet = Outlet(outbound)
        self.readers = Readers(core.barrier.begin, core.clock.now)
        self.rotations = Rotations(core, self.outlet, neighbours, self.readers)

    def attach(self) -> None:
        """Watch the core's answers, run the jobs, answer at `rotation/`."""
        core = self._core
        core.services["rotation"] = self
        core.joined.mounts[MOUNT.path] = MOUNT
        core.joined.observers.append(self.readers.answered)
        core.openers.append(self._open)
        core.closers.insert(0, self.readers.close)
        for kind in (self.rotations.kind(), DUE_KIND, Kind(REPLAN, Nothing, self._replan)):
            self._workers.register(kind)

    def target(self, plan: Plan) -> Rotated:
        """The steps of a plan's target."""
        return rotated(plan, self.outlet)

    def wake(self) -> None:
        """Look for due jobs now."""
        self._workers.wake()

    async def follow(self, tx: BarrierTransaction, plan: Plan) -> None:
        """Schedule a plan as it says, by the classification that its secret has now."""
        mount, path = self.target(plan).place(Scene(self._core, tx, plan))
        classification = await self.neighbours.classification(tx, mount, path)
        await follow(tx, plan, classification, self._core.clock.now())

    async def _open(self) -> None:
        tx = self._core.barrier.begin()
        await schedules.put(tx, REPLAN, REPLAN, Nothing(), DAILY, now=self._core.clock.now())
        try:
            await tx.commit()
        except Conflict:  # another node does the same
            return

    async def _replan(self, ctx: JobContext, _: Nothing) -> None:
        """Classifications change: plans by risk follow, once a day."""

        async def every(_: str) -> None:
            await self._follow_all()

        await ctx.step("follow", every)

    async def _follow_all(self) -> None:
        after = ""
        while names := await view(self._core.barrier.begin()).keys("plan/", after, PAGE):
            after = names[-1]
            for key in names:
                await self._follow_again(key)

    async def _follow_again(self, key: str) -> None:
        tx = self._core.barrier.begin()
        plan = await view(tx).find(key, Plan)
        if plan is None:
            return
        try:
            await self.follow(tx, plan)
            await tx.commit()
        except (Conflict, StrongroomError):  # its mount is gone, or it was just written
            return
