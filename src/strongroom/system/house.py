"""How the system's handlers reach the core: through the house that the core put in their context."""

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core.bootstrap import PREFIX
from strongroom.core.core import Core
from strongroom.core.house import House
from strongroom.core.namespaces.areas import area
from strongroom.core.namespaces.realm import Realm
from strongroom.framework import Context


def core(ctx: Context) -> Core:
    """The core behind a trusted mount."""
    return _house(ctx).core


def transaction(ctx: Context) -> BarrierTransaction:
    """The request's whole transaction, not only its mount's part."""
    return _house(ctx).tx


def own(ctx: Context) -> View:
    """The core's own part of the barrier for the request's namespace, in its transaction."""
    return View(transaction(ctx), f"{area(realm(ctx).uuid)}{PREFIX}")


def realm(ctx: Context) -> Realm:
    """The namespace that the request is for."""
    return _house(ctx).realm


def _house(ctx: Context) -> House:
    if not isinstance(ctx.house, House):
        raise TypeError("this handler is not mounted as part of the system")
    return ctx.house
