"""Changing the password of a static role: recorded first, then put in force, then made current.

A crash in between leaves a renewal, which the next look finishes with the same
password. Rotations of one role take turns, so the database is told in the order recorded.
"""

import msgspec

from strongroom.engines.database.driver import Account
from strongroom.engines.database.passwords import drawn, renewal
from strongroom.engines.database.record import Renewal, StaticRole, find_connection, opened
from strongroom.errors import InvalidRequest, NotFound, UpstreamFailed
from strongroom.framework import Context
from strongroom.jobs import Timing

FIRST_PAUSE, LONGEST_PAUSE = 10.0, 3600.0
PAGE = 100


def timing(role: StaticRole) -> Timing:
    """When a role's password changes."""
    return Timing(cron=role.rotation_schedule, interval=role.rotation_period, window=role.rotation_window)


async def rotate(ctx: Context, name: str, role: StaticRole) -> StaticRole:
    """Give the account a new password, or finish giving it one. Raises UpstreamFailed."""
    key = f"static/{name}"
    async with ctx.outside.lock(ctx.mount.uuid, key):
        connection, database = await opened(ctx, role.db_name)
        connection.allow(name)
        password = await renewal(ctx, key, connection, role.rotation_statements, role.password_policy)
        recorded = await ctx.storage.find(f"renewal/{key}", Renewal)
        if recorded is not None and recorded.password != password:
            raise UpstreamFailed(f"the password of '{name}' is being changed by someone else; try again")
        await database.change_password(role.rotation_statements, Account(role.username, password))
    now = ctx.now()
    changed = msgspec.structs.replace(
        role, password=password, last_rotation=now, due=timing(role).after(now, now), failures=0
    )
    put(ctx, name, role, changed)
    ctx.storage.delete(f"renewal/{key}")
    return changed


def put(ctx: Context, name: str, before: StaticRole | None, after: StaticRole) -> None:
    """Store a role and keep the order of what is due; a plan keeps its own."""
    if before is not None and before.due:
        ctx.storage.delete(_due(before.due, name))
    keep(ctx, name, after)
    if not after.plan:
        ctx.storage.put_bytes(_due(after.due, name), b"")


def keep(ctx: Context, name: str, role: StaticRole) -> None:
    """Store a role, and tell which passwords it holds."""
    ctx.storage.put(f"static/{name}", role)
    others = {"pending": role.pending, "previous": role.previous}
    held = {"password": role.password, **{label: one.password for label, one in others.items() if one}}
    ctx.holds(f"static-creds/{name}", {label: password for label, password in held.items() if password})


def forget(ctx: Context, name: str, role: StaticRole) -> None:
    """Remove a role; the account stays as it is."""
    ctx.storage.delete(_due(role.due, name))
    ctx.storage.delete(f"static/{name}")
    ctx.holds(f"static-creds/{name}", {})
    ctx.storage.delete(f"renewal/static/{name}")


async def attend(ctx: Context) -> bool:
    """Record a new password for the role that is longest due, or put in force one that is recorded.

    A failure keeps the old password and is tried again: after 10 s, doubling, up to an hour.
    Returns whether there was anything to do.
    """
    name = await _cut_short(ctx) or await _ripe(ctx)
    if not name:
        return False
    role = await ctx.storage.find(f"static/{name}", StaticRole)
    if role is None:
        ctx.storage.delete(f"renewal/static/{name}")
        return True
    try:
        await _next_step(ctx, name, role)
    except (UpstreamFailed, InvalidRequest, NotFound):
        pause = min(FIRST_PAUSE * 2**role.failures, LONGEST_PAUSE)
        later = msgspec.structs.replace(role, failures=role.failures + 1, due=ctx.now() + pause)
        put(ctx, name, role, later)
    return True


async def _next_step(ctx: Context, name: str, role: StaticRole) -> None:
    """The new password is durable before the database is told: each is a transaction of its own."""
    if await ctx.storage.find_bytes(f"renewal/static/{name}") is not None:
        await rotate(ctx, name, role)
    elif timing(role).missed(role.due, ctx.now()):
        put(ctx, name, role, msgspec.structs.replace(role, due=timing(role).after(role.due, ctx.now())))
    else:
        connection = await find_connection(ctx, role.db_name)
        password = await drawn(ctx, connection, role.rotation_statements, role.password_policy)
        ctx.storage.put(f"renewal/static/{name}", Renewal(password))


async def _cut_short(ctx: Context) -> str:
    """A role with a renewal that no failure explains."""
    prefix = "renewal/static/"
    for key in await ctx.storage.keys(prefix, limit=PAGE):
        name = key.removeprefix(prefix)
        role = await ctx.storage.find(f"static/{name}", StaticRole)
        if role is None or not role.failures:
            return name
    return ""


async def _ripe(ctx: Context) -> str:
    first = await ctx.storage.keys("due/", limit=1)
    if not first or first[0].split("/", 2)[1] > _stamp(ctx.now()):
        return ""
    return first[0].split("/", 2)[2]


def _due(moment: float, name: str) -> str:
    return f"due/{_stamp(moment)}/{name}"


def _stamp(moment: float) -> str:
    return f"{moment:017.3f}"
