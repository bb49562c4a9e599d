"""`config/`, `reset/` and `rotate-root/`: the databases that can be reached, and as whom."""

from typing import Annotated, Any, Literal
from uuid import uuid4

import msgspec
from msgspec import UNSET, Meta, UnsetType

from strongroom.engines.database.driver import Account
from strongroom.engines.database.kinds import kind_of
from strongroom.engines.database.passwords import renewal
from strongroom.engines.database.record import Connection, find_connection, opened
from strongroom.engines.database.statements import check, given
from strongroom.errors import InvalidRequest, NotFound, UpstreamFailed
from strongroom.framework import CommaList, Context, Fields, Nothing, Response, Seconds, Texts, usernames


class Named(Fields, frozen=True):
    """A connection's name."""

    name: str


class WriteConnection(Fields, frozen=True, kw_only=True):
    """A connection; what an update does not name stays as it is."""

    name: str
    plugin_name: str | UnsetType = UNSET
    connection_url: Annotated[
        str | UnsetType, Meta(description="With {{username}} and {{password}} in their places.")
    ] = UNSET
    username: str | UnsetType = UNSET
    password: Annotated[str | UnsetType, Meta(description="Never given out again.")] = UNSET
    verify_connection: bool = True
    allowed_roles: CommaList | UnsetType = UNSET
    password_policy: str | UnsetType = UNSET
    username_template: str | UnsetType = UNSET
    root_rotation_statements: Texts | UnsetType = UNSET
    max_open_connections: Annotated[int, Meta(ge=1, le=1000)] | UnsetType = UNSET
    max_idle_connections: int | UnsetType = UNSET
    max_connection_lifetime: Seconds | UnsetType = UNSET
    password_authentication: Literal["password", "scram-sha-256"] | UnsetType = UNSET
    tls_ca: Annotated[str | UnsetType, Meta(description="Certificates to trust, in PEM.")] = UNSET


IN_URL = (
    "the connection_url holds a password: put {{password}} in its place and send it as 'password', "
    "or it cannot be rotated"
)
_KEPT = frozenset(Connection.__struct_fields__) - {"version"}


async def exists(ctx: Context, req: Named) -> bool:
    """Whether a write updates."""
    return await ctx.storage.find_bytes(f"config/{req.name}") is not None


async def write(ctx: Context, req: WriteConnection) -> Response:
    """Store a connection, once it has been tried out."""
    present = await ctx.storage.find(f"config/{req.name}", Connection)
    sent = {field: value for field in _KEPT if (value := getattr(req, field)) is not UNSET}
    if "root_rotation_statements" in sent:
        sent["root_rotation_statements"] = given(sent["root_rotation_statements"])
    connection = _changed(present, sent)
    _check(connection)
    if req.verify_connection:
        await _try(connection)
    ctx.storage.put(f"config/{req.name}", connection)
    if "password" in sent:
        ctx.storage.delete(f"renewal/root/{req.name}")
    ctx.after_commit(lambda: ctx.outside.drop(ctx.mount.uuid, req.name))
    bare = kind_of(connection.plugin_name).shown_url(connection.connection_url) == connection.connection_url
    return Response(warnings=() if bare else (IN_URL,))


def _changed(present: Connection | None, sent: dict[str, Any]) -> Connection:
    version = str(uuid4())
    if present is not None:
        return msgspec.structs.replace(present, version=version, **sent)
    if not sent.get("plugin_name"):
        raise InvalidRequest("empty plugin name")
    if not sent.get("connection_url"):
        raise InvalidRequest("connection_url cannot be empty")
    return Connection(version=version, **sent)


def _check(connection: Connection) -> None:
    kind = kind_of(connection.plugin_name)
    kind.check_url(connection.connection_url)
    if connection.tls_ca and not kind.takes_tls_ca:
        raise InvalidRequest(
            "tls_ca is not supported for this kind of database: see docs/engines/database.md"
        )
    check(connection.root_rotation_statements, kind.dialect)
    if connection.username_template:
        usernames.check(connection.username_template)


async def _try(connection: Connection) -> None:
    database = kind_of(connection.plugin_name).open(connection.settings())
    try:
        await database.verify()
    except UpstreamFailed as error:  # what was sent is to be changed: clients would repeat a 5xx as it is
        raise InvalidRequest(f"error verifying connection: {error}") from None
    finally:
        database.close()


async def read(ctx: Context, req: Named) -> Response:
    """Show a connection without its password, wherever it stood."""
    found = await ctx.storage.find(f"config/{req.name}", Connection)
    if found is None:
        raise NotFound
    url = kind_of(found.plugin_name).shown_url(found.connection_url)
    details: dict[str, Any] = {
        "connection_url": url.replace(found.password, "*****") if found.password else url,
        "max_open_connections": found.max_open_connections,
        "max_idle_connections": found.max_idle_connections,
        "max_connection_lifetime": found.max_connection_lifetime,
        "username": found.username,
    }
    optional = {
        "username_template": found.username_template,
        "tls_ca": found.tls_ca,
        "password_authentication": found.password_authentication.replace("password", ""),
    }
    details |= {name: value for name, value in optional.items() if value}
    return Response(
        {
            "allowed_roles": found.allowed_roles,
            "connection_details": details,
            "password_policy": found.password_policy,
            "plugin_name": found.plugin_name,
            "plugin_version": "",
            "root_credentials_rotate_statements": found.root_rotation_statements,
        }
    )


async def list_names(ctx: Context, req: Nothing) -> Response:
    """List the connections."""
    names = await ctx.storage.list("config/")
    if not names:
        raise NotFound
    return Response({"keys": names})


async def delete(ctx: Context, req: Named) -> Response:
    """Forget a connection; leases that need it can then not be revoked."""
    ctx.storage.delete(f"config/{req.name}")
    ctx.storage.delete(f"renewal/root/{req.name}")
    ctx.after_commit(lambda: ctx.outside.drop(ctx.mount.uuid, req.name))
    return Response()


async def reset(ctx: Context, req: Named) -> Response:
    """Close the connections that are open; the next use opens new ones."""
    await find_connection(ctx, req.name)
    ctx.after_commit(lambda: ctx.outside.drop(ctx.mount.uuid, req.name))
    return Response()


async def rotate_root(ctx: Context, req: Named) -> Response:
    """Change the password that the server itself connects with, to one nobody has seen."""
    async with ctx.separately() as view:
        before = await view.find(f"config/{req.name}", Connection)
    if before is None:
        raise InvalidRequest(f"there is no connection '{req.name}'")
    if not before.username or not before.password:
        raise InvalidRequest("unable to rotate root credentials: no username and password in configuration")
    password = await renewal(ctx, f"root/{req.name}", before, before.root_rotation_statements)
    connection, database = await opened(ctx, req.name)
    await database.change_password(
        connection.root_rotation_statements, Account(connection.username, password)
    )
    ctx.storage.put(
        f"config/{req.name}",
        msgspec.structs.replace(connection, password=password, version=str(uuid4())),
    )
    ctx.storage.delete(f"renewal/root/{req.name}")
    ctx.after_commit(lambda: ctx.outside.drop(ctx.mount.uuid, req.name))
    return Response()
