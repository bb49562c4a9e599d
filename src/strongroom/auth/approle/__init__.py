"""AppRole auth: sign-in for machines with a role id and a secret id.

API: Vault's `approle` auth method. Secret ids are random or chosen, count uses, expire,
may be bound to addresses, and are kept as keyed hashes only.
"""

from strongroom.auth.approle import login, roles, secret_ids
from strongroom.auth.approle.record import Role, make_hash_key
from strongroom.errors import InvalidRequest
from strongroom.framework import Auth, Context, Engine
from strongroom.framework.token_fields import with_times


class AppRole(Engine):
    """Sign-in for machines."""

    kind = "approle"
    summary = "Sign-in for machines with a role id and a secret id"
    routes = (*login.ROUTES, *roles.ROUTES, *secret_ids.ROUTES)

    async def mounted(self, ctx: Context) -> None:
        """Give the mount the key that ids are hashed with."""
        make_hash_key(ctx)

    async def login_role(self, ctx: Context) -> str:
        """The role whose id is given."""
        return await login.role_named(ctx)

    async def renew_login(self, ctx: Context, auth: Auth) -> Auth:
        """Refuse when the role is gone, or is another one under the same name."""
        role = await ctx.storage.find(f"role/{auth.internal.get('role', '')}", Role)
        if role is None or role.uid != auth.internal.get("uid"):
            raise InvalidRequest("the role does not exist any more")
        return with_times(auth, role.token)


__all__ = ["AppRole"]
