"""`creds/`: an account made on demand, and what becomes of it when its lease is renewed or ends."""

from strongroom.engines.database.driver import Account, AccountExists
from strongroom.engines.database.kinds import kind_of
from strongroom.engines.database.passwords import drawn
from strongroom.engines.database.record import Role, find_role, opened
from strongroom.engines.database.roles import Named
from strongroom.errors import InvalidRequest
from strongroom.framework import Context, Lease, Response, usernames
from strongroom.framework.usernames import Facts

GRACE_SECONDS = 5


async def issue(ctx: Context, req: Named) -> Response:
    """Make an account that lives as long as its lease.

    The lease is on disk before the account exists: whatever fails after that, it is revoked.
    """
    role = await find_role(ctx, req.name)
    connection, database = await opened(ctx, role.db_name)
    connection.allow(req.name)
    kind = kind_of(connection.plugin_name)
    template = connection.username_template or kind.username_template
    username = usernames.render(template, Facts(ctx.caller.display_name, req.name, ctx.now()))
    if len(username.encode()) > kind.longest_name:
        raise InvalidRequest(f"the username template makes names longer than {kind.longest_name} bytes")
    password = await drawn(ctx, connection, role.creation_statements, role.password_policy)
    lease = Lease(
        role.default_ttl,
        role.max_ttl,
        internal={
            "username": username,
            "role": req.name,
            "db_name": role.db_name,
            "revocation_statements": role.revocation_statements,
        },
    )
    await ctx.pending.record(lease)
    account = Account(username, password, ctx.now() + lease.ttl + GRACE_SECONDS)
    try:
        await database.create(role.creation_statements, account, role.rollback_statements)
    except AccountExists:
        await ctx.pending.drop(lease)
        raise
    ctx.holds(lease.id, {"password": password})
    return Response({"username": username, "password": password}, lease=lease)


async def renew(ctx: Context, lease: Lease) -> None:
    """Let the account live as long as its lease now does. The role must still be there."""
    role = await ctx.storage.find(f"role/{lease.internal['role']}", Role)
    if role is None:
        raise InvalidRequest(f"cannot renew: the role '{lease.internal['role']}' is gone")
    _, database = await opened(ctx, lease.internal["db_name"])
    account = Account(lease.internal["username"], expires=ctx.now() + lease.ttl + GRACE_SECONDS)
    await database.renew(role.renew_statements, account)


async def revoke(ctx: Context, lease: Lease) -> None:
    """End the account, as its role says now or said when it was made."""
    role = await ctx.storage.find(f"role/{lease.internal['role']}", Role)
    statements = role.revocation_statements if role else lease.internal["revocation_statements"]
    _, database = await opened(ctx, lease.internal["db_name"])
    await database.revoke(tuple(statements), lease.internal["username"])
