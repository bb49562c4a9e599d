"""What one step of a rotation works with: a transaction, the engines behind it, and entries in the log.

A rotation is no request: it calls engines' own handlers in its own transactions, so that a
change and the step's record are one. Each step and each change is noted like a request.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core import passwords
from strongroom.core.auditing import Trail
from strongroom.core.core import Core
from strongroom.core.router import Target as Place
from strongroom.errors import InvalidRequest, StrongroomError
from strongroom.framework import Caller, Context, Mount, Operation, Request, Response, checked_path
from strongroom.framework.dispatch import Found, dispatch
from strongroom.rotation.record import MOUNT, Plan, Run, view

After = Callable[[], Awaitable[None]]


class Scene:
    """One step of one rotation; without a run, a look at a plan's target."""

    def __init__(
        self, core: Core, tx: BarrierTransaction, plan: Plan, run: Run | None = None, step: str = ""
    ) -> None:
        self.core = core
        self.tx = tx
        self.plan = plan
        self.run = run
        self.step = step
        self.after: list[After] = []

    @property
    def rows(self) -> View:
        """Rotation's own records."""
        return view(self.tx)

    @property
    def key(self) -> str:
        """What names this rotation outside: a repeated request carries it again."""
        return self.run.id if self.run else ""

    @property
    def caller(self) -> Caller:
        """As whom engines see a rotation."""
        return Caller(id="", accessor="", policies=(), display_name=f"rotation:{self.plan.name}")

    def mount(self, path: str, kind: str) -> tuple[Mount, str]:
        """The mount of this kind that a whole path leads to, and the rest. Raises InvalidRequest."""
        found = self.core.router.mount_of(checked_path(path))
        if found is None or found[0].kind != kind:
            raise InvalidRequest(f"'{path}' is in no mount of kind {kind}")
        return found[0], path[len(found[0].path) :]

    def context(self, path: str, mount: Mount) -> Context:
        """A context for an engine's own functions."""
        engine = self.core.router.engine_for(mount)
        place = Place(mount, engine, path[len(mount.path) :], Found())
        return self.core.context(self.tx, self._request(path), place, self.caller)

    async def password(self, policy: str) -> str:
        """A password by the policy of this name. Raises InvalidRequest."""
        return await passwords.generate(self.tx, self.core.joined.searchable, "", policy)

    async def write(self, path: str, fields: Mapping[str, Any]) -> Response:
        """A write by the engine's own handler, in this step's transaction, noted in the log."""
        request = self._request(path, msgspec.json.encode(fields))
        place = self.core.router.target(request.path, Operation.WRITE)
        if place.mount is None:
            raise InvalidRequest(f"nothing is mounted at '{path}'")
        mount = place.mount
        trail = self._trail(request, mount)
        trail.decide("a rotation plan")
        context = self.core.context(self.tx, request, place, self.caller)
        response = await dispatch(place.found, context)
        await self.core.joined.change(self.tx, request, mount)
        await trail.recorded()

        async def answered() -> None:
            await trail.answered(response)
            self.core.joined.answered(request, mount, self.caller, response)

        self.after.append(answered)
        return response

    async def noted(self, deed: Callable[[], Awaitable[Any]]) -> Any:
        """Do something in the world between two entries: that it is done, and how it went."""
        trail = await self.announced()
        try:
            result = await deed()
        except Exception as error:
            meant = error if isinstance(error, StrongroomError) else StrongroomError("internal error")
            await trail.refused(meant)
            raise
        await trail.answered(self._outcome())
        return result

    async def announced(self) -> Trail:
        """Note that this step is done now; returns once that is on disk."""
        run_id = self.run.id if self.run else ""
        trail = self._trail(self._request(f"{MOUNT.path}rotations/{run_id}/{self.step}"), MOUNT)
        trail.decide("a rotation plan")
        await trail.recorded()
        return trail

    async def closed(self, trail: Trail) -> None:
        """Note that it went well, and all that was waiting for the commit."""
        for action in self.after:
            await action()
        await trail.answered(self._outcome())

    def _outcome(self) -> Response:
        facts: dict[str, str | int] = {"plan": self.plan.name, "step": self.step}
        if self.run is not None:
            facts |= {"old_version": self.run.old, "new_version": self.run.new}
        return Response(facts=facts)

    def _request(self, path: str, body: bytes = b"") -> Request:
        run_id = self.run.id if self.run else "core"
        reason = {"x-strongroom-reason": self.run.reason} if self.run and self.run.reason else {}
        return Request(
            Operation.WRITE, checked_path(path), id=f"rotation-{run_id}", body=body, headers=reason
        )

    def _trail(self, request: Request, mount: Mount) -> Trail:
        trail = Trail(self.core.auditing, request, mount)
        who: dict[str, Any] = {"display_name": self.caller.display_name, "metadata": {}}
        if self.run is not None:
            who["metadata"] = {
                "rotation": self.run.id,
                "trigger": self.run.trigger,
                "started_by": self.run.by,
                "approved_by": self.run.approved_by,
                "incident": self.run.incident,
            }
        trail.unasked(who)
        return trail
