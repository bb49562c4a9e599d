"""`roles/`: how accounts are made on demand."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from strongroom.engines.database.driver import Account
from strongroom.engines.database.kinds import kind_of
from strongroom.engines.database.record import Connection, Role, find_connection
from strongroom.engines.database.statements import check, filled, given
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context, Fields, Nothing, Pairs, Response, Seconds, Texts

STATEMENTS = ("creation_statements", "revocation_statements", "rollback_statements", "renew_statements")
TRIAL = Account("trial-name", "trial-password")


class Named(Fields, frozen=True):
    """A role's name."""

    name: str


class WriteRole(Fields, frozen=True, kw_only=True):
    """A role; what an update does not name stays as it is."""

    name: str
    db_name: Annotated[str | UnsetType, Meta(description="The connection it uses.")] = UNSET
    creation_statements: Annotated[
        Texts | UnsetType, Meta(description="SQL with {{name}}, {{password}} and {{expiration}}.")
    ] = UNSET
    revocation_statements: Texts | UnsetType = UNSET
    rollback_statements: Texts | UnsetType = UNSET
    renew_statements: Texts | UnsetType = UNSET
    default_ttl: Seconds | UnsetType = UNSET
    max_ttl: Seconds | UnsetType = UNSET
    credential_type: Literal["password"] = "password"
    credential_config: Pairs | UnsetType = UNSET


async def exists(ctx: Context, req: Named) -> bool:
    """Whether a write updates."""
    return await ctx.storage.find_bytes(f"role/{req.name}") is not None


async def write(ctx: Context, req: WriteRole) -> Response:
    """Store a role whose statements can be read and filled."""
    present = await ctx.storage.find(f"role/{req.name}", Role)
    sent: dict[str, Any] = {}
    for field in Role.__struct_fields__:
        value = getattr(req, field, UNSET)
        if value is not UNSET:
            sent[field] = given(value) if field in STATEMENTS else value
    if req.credential_config is not UNSET:
        sent["password_policy"] = req.credential_config.get("password_policy", "")
    if await ctx.storage.find_bytes(f"static/{req.name}") is not None:
        raise InvalidRequest("role and static role names must be unique")
    role = _changed(present, sent)
    await _check(ctx, role)
    ctx.storage.put(f"role/{req.name}", role)
    return Response()


def _changed(present: Role | None, sent: dict[str, Any]) -> Role:
    if present is not None:
        return msgspec.structs.replace(present, **sent)
    if not sent.get("db_name"):
        raise InvalidRequest("database name is required")
    return Role(creation_statements=sent.pop("creation_statements", ()), **sent)


async def _check(ctx: Context, role: Role) -> None:
    """Raises InvalidRequest for what could not be carried out."""
    if not role.creation_statements:
        raise InvalidRequest("creation_statements cannot be empty")
    if role.max_ttl and role.default_ttl > role.max_ttl:
        raise InvalidRequest("default_ttl cannot be greater than max_ttl")
    connection: Connection = await find_connection(ctx, role.db_name)
    dialect = kind_of(connection.plugin_name).dialect
    for field in STATEMENTS:
        check(getattr(role, field), dialect)
        filled(getattr(role, field), TRIAL.values(), dialect)


async def read(ctx: Context, req: Named) -> Response:
    """Show a role."""
    role = await ctx.storage.find(f"role/{req.name}", Role)
    if role is None:
        raise NotFound
    shown = {field: getattr(role, field) for field in (*STATEMENTS, "db_name", "default_ttl", "max_ttl")}
    config = {"password_policy": role.password_policy} if role.password_policy else None
    return Response({**shown, "credential_type": "password", "credential_config": config})


async def list_names(ctx: Context, req: Nothing) -> Response:
    """List the roles."""
    names = await ctx.storage.list("role/")
    if not names:
        raise NotFound
    return Response({"keys": names})


async def delete(ctx: Context, req: Named) -> Response:
    """Forget a role; what it issued lives until its lease ends."""
    ctx.storage.delete(f"role/{req.name}")
    return Response()
