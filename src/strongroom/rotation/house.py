"""How rotation's handlers reach the core, the whole transaction, and rotation's desk."""

from collections.abc import Iterable

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core.core import Core
from strongroom.core.house import House
from strongroom.errors import PermissionDenied
from strongroom.framework import Context, Operation
from strongroom.rotation.record import Plan, Run, view
from strongroom.rotation.scene import Scene
from strongroom.rotation.service import RotationDesk


def core(ctx: Context) -> Core:
    """The core behind the mount."""
    return _house(ctx).core


def transaction(ctx: Context) -> BarrierTransaction:
    """The request's whole transaction."""
    return _house(ctx).tx


def rows(ctx: Context) -> View:
    """Rotation's own records, in the request's transaction."""
    return view(transaction(ctx))


def desk(ctx: Context) -> RotationDesk:
    """The server's rotation."""
    found: RotationDesk = core(ctx).services["rotation"]
    return found


def scene(ctx: Context, plan: Plan, run: Run | None = None) -> Scene:
    """A look at a plan's target."""
    return Scene(core(ctx), transaction(ctx), plan, run)


async def permit(ctx: Context, guards: Iterable[tuple[str, Operation]]) -> None:
    """Check that the caller may do these things themselves: a plan lends nobody rights.

    Raises PermissionDenied.
    """
    acl = await core(ctx).policies.acl(transaction(ctx), ctx.caller.policies, ctx.now())
    for path, operation in guards:
        if not acl.check(path, operation, exists=True).allowed:
            raise PermissionDenied(f"permission denied: this needs '{operation.value}' on '{path}' too")


def _house(ctx: Context) -> House:
    if not isinstance(ctx.house, House):
        raise TypeError("this handler is not mounted as part of the system")
    return ctx.house
