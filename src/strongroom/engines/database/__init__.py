"""Database engine: accounts made on demand with a lease, and accounts whose password it keeps changing.

API: Vault's `database` secrets engine. See docs/engines/database.md.
"""

from strongroom.engines.database import connections, creds, roles, rotation, static_roles
from strongroom.framework import Context, Engine, Lease, Route


class Database(Engine):
    """Credentials of databases."""

    kind = "database"
    keeps_time = True
    summary = "Database credentials, on demand or kept changing"
    routes = (
        Route(path="config/", list=connections.list_names, summary="List the connections."),
        Route(
            path="config/{name}",
            read=connections.read,
            write=connections.write,
            delete=connections.delete,
            exists=connections.exists,
            summary="How to reach a database; its password is never given out.",
        ),
        Route(path="reset/{name}", write=connections.reset, summary="Close a connection's open sessions."),
        Route(
            path="rotate-root/{name}",
            write=connections.rotate_root,
            summary="Change the password that the server connects with.",
        ),
        Route(path="roles/", list=roles.list_names, summary="List the roles."),
        Route(
            path="roles/{name}",
            read=roles.read,
            write=roles.write,
            delete=roles.delete,
            exists=roles.exists,
            summary="How accounts are made on demand.",
        ),
        Route(path="creds/{name}", read=creds.issue, summary="Make an account with a lease."),
        Route(path="static-roles/", list=static_roles.list_names, summary="List the static roles."),
        Route(
            path="static-roles/{name}",
            read=static_roles.read,
            write=static_roles.write,
            delete=static_roles.delete,
            exists=static_roles.exists,
            summary="An account whose password is kept changing.",
        ),
        Route(
            path="static-creds/{name}",
            read=static_roles.read_creds,
            summary="The present password of a static role.",
        ),
        Route(
            path="rotate-role/{name}",
            write=static_roles.rotate,
            summary="Change the password of a static role now.",
        ),
    )

    async def attend(self, ctx: Context) -> bool:
        """Change the passwords of static roles whose time has come."""
        return await rotation.attend(ctx)

    async def renew(self, ctx: Context, lease: Lease, increment: int) -> Lease:
        """Let the account live as long as its lease."""
        await creds.renew(ctx, lease)
        return lease

    async def revoke(self, ctx: Context, lease: Lease) -> None:
        """End the account."""
        await creds.revoke(ctx, lease)
