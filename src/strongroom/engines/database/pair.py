"""Two accounts that take turns for one static role: the rotation floor calls these, step by step.

The account in force keeps working until the other one has proven itself and everybody had
time to take it. Of the two, the one that is not in force cannot log in between rotations.
Everything may be repeated; what is to be sent to the database is recorded first.
"""

import msgspec

from strongroom.engines.database import rotation
from strongroom.engines.database.driver import Account, Database
from strongroom.engines.database.kinds import kind_of
from strongroom.engines.database.passwords import drawn
from strongroom.engines.database.record import (
    Credential,
    StaticRole,
    find_connection,
    find_static,
    opened,
)
from strongroom.engines.database.roles import TRIAL
from strongroom.engines.database.statements import filled
from strongroom.errors import InvalidRequest, UpstreamFailed
from strongroom.framework import Context


def other(role: StaticRole, users: tuple[str, ...]) -> str:
    """Whose turn is next."""
    return users[0] if role.username != users[0] else users[1]


async def check(ctx: Context, name: str, users: tuple[str, ...], statements: tuple[str, ...]) -> None:
    """Raise InvalidRequest for a pair that could not take turns; looks whether the next one is there."""
    role = await find_static(ctx, name)
    kind = kind_of((await find_connection(ctx, role.db_name)).plugin_name)
    if len(set(users)) != 2:
        raise InvalidRequest("a static role is rotated between two different users")
    if any(not user or "\0" in user or len(user.encode()) > kind.longest_name for user in users):
        raise InvalidRequest(f"a username has 1 to {kind.longest_name} bytes")
    for user in users:
        filled(statements, {**TRIAL.values(), "name": user, "username": user}, kind.dialect)
    if not statements and not await (await _database(ctx, role)).knows(other(role, users)):
        raise InvalidRequest(
            f"there is no account '{other(role, users)}': make it, or give the plan creation_statements"
        )


async def take(ctx: Context, name: str, plan: str, refresh: int) -> None:
    """Let a plan decide from now on when the role's credential changes. Raises InvalidRequest."""
    role = await find_static(ctx, name)
    if role.plan not in ("", plan):
        raise InvalidRequest(f"the role '{name}' is rotated by the plan '{role.plan}' already")
    if await ctx.storage.find_bytes(f"renewal/static/{name}") is not None:
        raise InvalidRequest(f"the password of '{name}' is being changed; try again")
    rotation.put(ctx, name, role, msgspec.structs.replace(role, plan=plan, refresh=refresh))


async def release(ctx: Context, name: str) -> None:
    """Let the role keep its own time again; nothing happens when it is gone."""
    role = await ctx.storage.find(f"static/{name}", StaticRole)
    if role is not None:
        due = rotation.timing(role).after(role.last_rotation, ctx.now())
        rotation.put(ctx, name, role, msgspec.structs.replace(role, plan="", refresh=0, due=due))


async def prepare(
    ctx: Context, name: str, users: tuple[str, ...], statements: tuple[str, ...], made_by: str
) -> tuple[int, int]:
    """Choose the next account's password, one that `statements` take.

    Returns the version in force and the one to come.
    """
    role = await find_static(ctx, name)
    if role.pending is None or role.pending.rotation != made_by:
        connection = await find_connection(ctx, role.db_name)
        connection.allow(name)
        password = await drawn(ctx, connection, statements, role.password_policy)
        pending = Credential(
            username=other(role, users), password=password, version=role.version + 1, rotation=made_by
        )
        role = msgspec.structs.replace(role, pending=pending)
        rotation.keep(ctx, name, role)
    return role.version, role.version + 1


async def missing(ctx: Context, name: str) -> bool:
    """Whether the next account is yet to be made."""
    role, pending = await _pending(ctx, name)
    return not await (await _database(ctx, role)).knows(pending.username)


async def create(ctx: Context, name: str, statements: tuple[str, ...], *, make: bool) -> None:
    """Let the next account log in. With `make` it was not there: what a crash left of it is made anew."""
    role, pending = await _pending(ctx, name)
    database = await _database(ctx, role)
    account = Account(pending.username, pending.password)
    if not make:
        await database.admit(account)
        return
    if not statements:
        raise InvalidRequest(
            f"there is no account '{pending.username}' and the plan does not say how to make it"
        )
    await database.revoke((), pending.username)
    await database.create(statements, account, ())


async def verify(ctx: Context, name: str) -> None:
    """Log in with the new credential. Raises UpstreamFailed when that is refused."""
    role, pending = await _pending(ctx, name)
    if not await (await _database(ctx, role)).logs_in(pending.username, pending.password):
        raise UpstreamFailed("the database refuses the new credential")


async def publish(ctx: Context, name: str) -> int:
    """Put the new credential in force and keep the old one as previous; returns the new version."""
    role, pending = await _pending(ctx, name)
    previous = Credential(username=role.username, password=role.password, version=role.version)
    changed = msgspec.structs.replace(
        role,
        username=pending.username,
        password=pending.password,
        version=pending.version,
        pending=None,
        previous=previous,
        last_rotation=ctx.now(),
    )
    rotation.keep(ctx, name, changed)
    return pending.version


async def retire(ctx: Context, name: str) -> None:
    """End the old credential."""
    role = await find_static(ctx, name)
    if role.previous is not None:
        await (await _database(ctx, role)).shut_out(role.previous.username)


async def verify_dead(ctx: Context, name: str) -> None:
    """Try the old credential. Raises UpstreamFailed when it still logs in."""
    role = await find_static(ctx, name)
    await _refused(await _database(ctx, role), role.previous)


async def undo(ctx: Context, name: str, made_by: str) -> None:
    """End a new credential that was not put in force."""
    role = await find_static(ctx, name)
    if role.pending is not None and role.pending.rotation == made_by:
        database = await _database(ctx, role)
        await database.shut_out(role.pending.username)
        await _refused(database, role.pending)


async def forget(ctx: Context, name: str) -> None:
    """Erase what is no longer in force: the previous credential, and one that never was."""
    role = await ctx.storage.find(f"static/{name}", StaticRole)
    if role is not None:
        rotation.keep(ctx, name, msgspec.structs.replace(role, previous=None, pending=None))


async def _pending(ctx: Context, name: str) -> tuple[StaticRole, Credential]:
    role = await find_static(ctx, name)
    if role.pending is None:
        raise InvalidRequest(f"the role '{name}' has no credential on its way")
    return role, role.pending


async def _database(ctx: Context, role: StaticRole) -> Database:
    _, database = await opened(ctx, role.db_name)
    return database


async def _refused(database: Database, credential: Credential | None) -> None:
    if credential is not None and await database.logs_in(credential.username, credential.password):
        raise UpstreamFailed("the database still takes the old credential")
