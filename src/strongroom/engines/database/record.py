"""What the database engine stores: `config/<name>`, `role/<name>`, `static/<name>`.

`renewal/<kind>/<name>` holds a password that is being put in force: written before the
database is told, gone when it is done, so that a crash in between loses neither.
"""

from msgspec import Struct

from strongroom.engines.database.driver import Database, Settings
from strongroom.engines.database.kinds import kind_of
from strongroom.errors import InvalidRequest
from strongroom.framework import Context


class Connection(Struct, frozen=True, kw_only=True):
    """How to reach a database. `version` changes with every write; the password never leaves."""

    plugin_name: str
    version: str
    connection_url: str
    username: str = ""
    password: str = ""
    allowed_roles: tuple[str, ...] = ()
    password_policy: str = ""
    username_template: str = ""
    root_rotation_statements: tuple[str, ...] = ()
    max_open_connections: int = 4
    max_idle_connections: int = 0
    max_connection_lifetime: int = 0
    password_authentication: str = "password"
    tls_ca: str = ""

    def settings(self, fallback_password: str = "") -> Settings:
        """What the driver needs."""
        most = self.max_open_connections
        return Settings(
            url=self.connection_url,
            username=self.username,
            password=self.password,
            limits=(most, min(self.max_idle_connections or most, most), self.max_connection_lifetime),
            scram=self.password_authentication == "scram-sha-256",
            tls_ca=self.tls_ca,
            fallback_password=fallback_password,
        )

    def allow(self, role: str) -> None:
        """Check that `role` may use this connection. Raises InvalidRequest."""
        for allowed in self.allowed_roles:
            if allowed in ("*", role) or (allowed.endswith("*") and role.startswith(allowed[:-1])):
                return
        raise InvalidRequest(f"{role!r} is not an allowed role of this connection")


class Role(Struct, frozen=True, kw_only=True):
    """How accounts are made on demand; times in seconds, 0 for the mount's default."""

    db_name: str
    creation_statements: tuple[str, ...]
    revocation_statements: tuple[str, ...] = ()
    rollback_statements: tuple[str, ...] = ()
    renew_statements: tuple[str, ...] = ()
    default_ttl: int = 0
    max_ttl: int = 0
    password_policy: str = ""


class Credential(Struct, frozen=True, kw_only=True):
    """One of a role's two accounts under a rotation plan. `rotation` made it."""

    username: str
    password: str
    version: int
    rotation: str = ""

    def __repr__(self) -> str:
        return f"Credential({self.username!r}, version={self.version})"


class StaticRole(Struct, frozen=True, kw_only=True):
    """An account that is there already and whose password is ours to change.

    `rotation_period` in seconds, or a cron `rotation_schedule` with a `rotation_window`;
    `due` is when the password is changed next. Under a rotation plan it is the plan that
    changes it: two accounts take turns, `pending` and `previous` are the other one's
    credential, and clients should look again after `refresh` seconds.
    """

    db_name: str
    username: str
    rotation_statements: tuple[str, ...] = ()
    rotation_period: int = 0
    rotation_schedule: str = ""
    rotation_window: int = 0
    password_policy: str = ""
    password: str = ""
    last_rotation: float = 0
    due: float = 0
    failures: int = 0
    plan: str = ""
    refresh: int = 0
    version: int = 1
    pending: Credential | None = None
    previous: Credential | None = None


class Renewal(Struct, frozen=True):
    """A password on its way."""

    password: str


async def find_connection(ctx: Context, name: str) -> Connection:
    """A connection by name. Raises InvalidRequest, as Vault does."""
    found = await ctx.storage.find(f"config/{name}", Connection)
    if found is None:
        raise InvalidRequest(f"there is no connection '{name}'")
    return found


async def find_role(ctx: Context, name: str) -> Role:
    """A role by name. Raises InvalidRequest, as Vault does."""
    found = await ctx.storage.find(f"role/{name}", Role)
    if found is None:
        raise InvalidRequest(f"unknown role: {name}")
    return found


async def find_static(ctx: Context, name: str) -> StaticRole:
    """A static role by name. Raises InvalidRequest, as Vault does."""
    found = await ctx.storage.find(f"static/{name}", StaticRole)
    if found is None:
        raise InvalidRequest(f"unknown role: {name}")
    return found


async def opened(ctx: Context, name: str) -> tuple[Connection, Database]:
    """A connection and its pool, which all requests share until the settings change."""
    connection = await find_connection(ctx, name)
    renewal = await ctx.storage.find(f"renewal/root/{name}", Renewal)
    version = connection.version + ("+" if renewal else "")
    settings = connection.settings(renewal.password if renewal else "")
    kind = kind_of(connection.plugin_name)
    return connection, ctx.outside.take(ctx.mount.uuid, name, version, lambda: kind.open(settings))
