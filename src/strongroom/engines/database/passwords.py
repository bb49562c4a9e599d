"""Passwords for accounts: drawn until one can stand where the statements put it.

Inside code within code only harmless characters may stand, and the default policy draws a hyphen at an end,
or two in a row, once in thirty. A password is recorded before it is used, so this is settled before that.
"""

from collections.abc import Iterable

from strongroom.engines.database.kinds import kind_of
from strongroom.engines.database.record import Connection, Renewal
from strongroom.engines.database.statements import takes
from strongroom.errors import InvalidRequest
from strongroom.framework import Context

DRAWS = 16


async def drawn(ctx: Context, connection: Connection, statements: Iterable[str], policy: str = "") -> str:
    """A password by `policy`, or else by the connection's, that `statements` take.

    Raises InvalidRequest when the policy makes none.
    """
    dialect = kind_of(connection.plugin_name).dialect
    given = tuple(statements)
    for _ in range(DRAWS):
        password = await ctx.password(policy or connection.password_policy)
        if takes(given, password, dialect):
            return password
    raise InvalidRequest("passwords of this policy cannot stand inside nested code of a statement")


async def renewal(
    ctx: Context, key: str, connection: Connection, statements: Iterable[str], policy: str = ""
) -> str:
    """The password to put in force under `key`: recorded durably before it is used.

    One that an earlier attempt left comes again: the database may know it already.
    """
    async with ctx.separately() as view:
        found = await view.find(f"renewal/{key}", Renewal)
        if found is None:
            found = Renewal(await drawn(ctx, connection, statements, policy))
            view.put(f"renewal/{key}", found)
    return found.password
