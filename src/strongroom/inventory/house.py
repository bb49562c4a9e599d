"""How the inventory's handlers reach the core, the whole transaction and the desk."""

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core.core import Core
from strongroom.core.house import House
from strongroom.errors import NotFound
from strongroom.framework import Context, Mount
from strongroom.inventory.indexing import AREA
from strongroom.inventory.secrets import KIND
from strongroom.inventory.service import InventoryDesk


def core(ctx: Context) -> Core:
    """The core behind the mount."""
    return _house(ctx).core


def transaction(ctx: Context) -> BarrierTransaction:
    """The request's whole transaction."""
    return _house(ctx).tx


def glance(ctx: Context) -> BarrierTransaction:
    """A transaction that is never committed: a long listing need not begin again when something changes."""
    return core(ctx).barrier.begin()


def desk(ctx: Context) -> InventoryDesk:
    """The server's inventory."""
    found: InventoryDesk = core(ctx).services["inventory"]
    return found


def own(ctx: Context) -> View:
    """The inventory's own records, at a glance."""
    return View(glance(ctx), AREA)


def key_value_mounts(ctx: Context) -> list[Mount]:
    """Every mount that holds secrets of ours, in the order of their paths."""
    return [mount for _, mount in sorted(core(ctx).mounts.items()) if mount.kind == KIND]


def mount_at(ctx: Context, path: str) -> Mount:
    """The key-value mount at a path. Raises NotFound."""
    for mount in key_value_mounts(ctx):
        if mount.path == path.rstrip("/") + "/":
            return mount
    raise NotFound(f"no key-value mount at '{path}'")


def mount_of(ctx: Context, path: str) -> tuple[Mount, str]:
    """The mount a secret's whole path leads to, and the path in it. Raises NotFound."""
    for mount in key_value_mounts(ctx):
        if path.startswith(mount.path) and path != mount.path:
            return mount, path[len(mount.path) :]
    raise NotFound(f"no key-value mount holds '{path}'")


def _house(ctx: Context) -> House:
    if not isinstance(ctx.house, House):
        raise TypeError("this handler is not mounted as part of the system")
    return ctx.house
