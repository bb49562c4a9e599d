"""A rotation as a job: create, distribute, verify, publish, grace, retire, verify dead. Forward, or back.

Up to `publish` a failure or a cancellation takes the new credential back and leaves the old
one in force. From there on the old one is ended, however long that takes.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from msgspec.structs import replace

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.core import Core
from strongroom.errors import InvalidRequest, NotFound, PermissionDenied, Sealed
from strongroom.jobs import JobCancelled, JobContext, Kind
from strongroom.rotation.ending import finish, give_up, stuck
from strongroom.rotation.grace import Waiting
from strongroom.rotation.neighbours import Neighbours
from strongroom.rotation.readers import Readers
from strongroom.rotation.record import ENDED, Plan, Run, State, find_plan, find_run, view
from strongroom.rotation.scene import Scene
from strongroom.rotation.starting import ROTATE, Rotate
from strongroom.rotation.targets import Rotated, rotated
from strongroom.rotation.targets.outlet import Outlet
from strongroom.storage.contract import Conflict

T = TypeVar("T")
FOREVER = 1_000_000
HOPELESS = (InvalidRequest, NotFound)
APPROVAL_DAYS = 7


class NotApproved(PermissionDenied):
    """Nobody approved in time."""


class Rotation:
    """One run of one rotation's job."""

    def __init__(self, desk: "Rotations", ctx: JobContext, run: Run, plan: Plan) -> None:
        self._desk = desk
        self._ctx = ctx
        self._id = run.id
        self._plan = plan
        self._target: Rotated = rotated(plan, desk.outlet)
        self.published = False

    async def forward(self) -> None:
        """Replace the credential."""
        await self._approved()
        await self._change("prepare", self._prepare)
        made = await self._deed("look", self._target.look, bool)
        fields = await self._deed("create", lambda scene: self._target.create(scene, made), dict[str, str])
        await self._change("distribute", lambda scene: self._target.distribute(scene, fields))
        await self._deed("verify", self._target.verify)
        await self._change("publish", self._publish)
        self.published = True
        self._ctx.insist()
        await self._desk.waiting.grace(self._ctx, self._id, self._plan)
        await self._deed("retire", self._target.retire)
        await self._deed("verify-dead", self._target.verify_dead)
        await self.end("done")

    async def back(self, state: State) -> None:
        """Take the new credential back."""
        self._ctx.insist()
        try:
            await self._deed("undo", self._target.undo)
        except HOPELESS:  # the role or the mount is gone; who watches failures was told
            if self._ctx.attempt + 1 < self._plan.attempts:
                raise
        await self.end(state)

    async def _approved(self) -> None:
        run = await self._desk.run(self._id)
        if not run.approval:
            return
        limit = run.created + APPROVAL_DAYS * 86400
        if not await self._desk.waiting.approval(self._ctx, self._id, limit):
            raise NotApproved(self._id)

    async def _prepare(self, scene: Scene) -> None:
        old, new = await self._target.prepare(scene)
        run = await find_run(scene.rows, self._id)
        scene.rows.put(
            f"run/{self._id}", replace(run, state="making", old=old, new=new, started=self._ctx.now())
        )

    async def _publish(self, scene: Scene) -> None:
        new = await self._target.publish(scene)
        run, now = await find_run(scene.rows, self._id), self._ctx.now()
        grace = self._plan.grace if run.grace < 0 else run.grace
        scene.rows.put(
            f"run/{self._id}",
            replace(run, state="grace", new=new, published=now, grace_ends=now + grace),
        )

    async def end(self, state: State) -> None:
        """Write the end of it."""

        async def end(scene: Scene) -> None:
            with suppress(*HOPELESS):
                await self._target.forget(scene)
            await finish(scene.tx, self._plan, self._id, state, self._ctx.now())

        await self._change("finish", end)

    async def _deed(
        self, name: str, deed: Callable[[Scene], Awaitable[T]], kind: type[T] | None = None
    ) -> Any:
        """A step in the world, noted before and after."""

        async def noted(_: str) -> Any:
            scene = await self._scene(self._desk.core.barrier.begin(), name)
            return await scene.noted(lambda: deed(scene))

        return await self._ctx.step(name, noted, kind) if kind else await self._ctx.step(name, noted)

    async def _change(self, name: str, change: Callable[[Scene], Awaitable[None]]) -> None:
        """A step in the store, noted before it is committed and after."""
        landed: list[Callable[[], Awaitable[None]]] = []

        async def noted(tx: BarrierTransaction) -> None:
            scene = await self._scene(tx, name)
            await change(scene)
            trail = await scene.announced()
            landed[:] = [lambda: scene.closed(trail)]

        await self._ctx.change(name, noted)
        for closing in landed:
            await closing()

    async def _scene(self, tx: BarrierTransaction, step: str) -> Scene:
        run = await find_run(view(tx), self._id)
        return Scene(self._desk.core, tx, self._plan, run, step)


class Rotations:
    """Runs rotations' jobs."""

    def __init__(self, core: Core, outlet: Outlet, neighbours: Neighbours, readers: Readers) -> None:
        self.core = core
        self.outlet = outlet
        self.neighbours = neighbours
        self.waiting = Waiting(core, neighbours, readers, outlet)

    def kind(self) -> Kind[Rotate]:
        """The job's kind. Its own limit of failures is no limit: rotations count theirs."""
        return Kind(ROTATE, Rotate, self._rotate, attempts=FOREVER, first_pause=2.0)

    async def run(self, rotation: str) -> Run:
        """A rotation as stored."""
        return await find_run(view(self.core.barrier.begin()), rotation)

    async def _rotate(self, ctx: JobContext, job: Rotate) -> None:
        run = await self.run(job.rotation)
        if run.state in ENDED:  # and a crash came before the job's own end
            return
        plan = await self._order(ctx, job)
        rotation = Rotation(self, ctx, run, plan)
        if run.abandoned:
            await rotation.end("failed")
            return
        if run.given_up:
            await rotation.back("failed")
            return
        try:
            await rotation.forward()
        except JobCancelled:
            await rotation.back("cancelled")
            raise
        except (Sealed, Conflict):
            raise
        except Exception as error:
            await self._failed(ctx, plan, rotation, job, error)

    async def _order(self, ctx: JobContext, job: Rotate) -> Plan:
        """The plan as it was when the rotation began: what is changed meanwhile is for the next one."""

        async def keep(tx: BarrierTransaction) -> None:
            rows = view(tx)
            rows.put(f"order/{job.rotation}", await find_plan(rows, job.plan))

        await ctx.change("order", keep)
        return await view(self.core.barrier.begin()).get(f"order/{job.rotation}", Plan)

    async def _failed(
        self, ctx: JobContext, plan: Plan, rotation: Rotation, job: Rotate, error: Exception
    ) -> None:
        """Try again later, or go back; after `publish` never give up, but say once that it is stuck."""
        step, last = ctx.current, ctx.attempt + 1 >= plan.attempts
        hopeless = isinstance(error, (*HOPELESS, NotApproved)) and not rotation.published
        if not last and not hopeless:
            raise error
        said = stuck if rotation.published else give_up
        told = self.neighbours.on_failure
        await ctx.change(
            "stuck" if rotation.published else "give-up",
            lambda tx: said(tx, job.rotation, step, error, told),
        )
        if rotation.published:
            raise error
        await rotation.back("cancelled" if isinstance(error, NotApproved) else "failed")
