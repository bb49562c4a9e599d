"""`static-roles/`, `static-creds/` and `rotate-role/`: accounts whose password is kept changing."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from strongroom.clock import rfc3339
from strongroom.engines.database import rotation
from strongroom.engines.database.kinds import kind_of
from strongroom.engines.database.record import StaticRole, find_connection, find_static
from strongroom.engines.database.roles import TRIAL, Named
from strongroom.engines.database.statements import filled, given
from strongroom.errors import InvalidRequest, NotFound, UpstreamFailed
from strongroom.framework import Context, Fields, Nothing, Pairs, Response, Seconds, Texts

SHORTEST_PERIOD = 5
SHORTEST_WINDOW = 3600


class WriteStaticRole(Fields, frozen=True, kw_only=True):
    """A static role; what an update does not name stays as it is."""

    name: str
    db_name: Annotated[str | UnsetType, Meta(description="The connection it uses.")] = UNSET
    username: Annotated[str | UnsetType, Meta(description="The account, which is there already.")] = UNSET
    rotation_statements: Texts | UnsetType = UNSET
    rotation_period: Seconds | UnsetType = UNSET
    rotation_schedule: Annotated[str | UnsetType, Meta(description="Cron, five fields, UTC.")] = UNSET
    rotation_window: Seconds | UnsetType = UNSET
    credential_type: Literal["password"] = "password"
    credential_config: Pairs | UnsetType = UNSET


async def exists(ctx: Context, req: Named) -> bool:
    """Whether a write updates."""
    return await ctx.storage.find_bytes(f"static/{req.name}") is not None


async def write(ctx: Context, req: WriteStaticRole) -> Response:
    """Take an account over; its password is changed at once, so that nobody else knows it."""
    present = await ctx.storage.find(f"static/{req.name}", StaticRole)
    sent = {
        field: value
        for field in StaticRole.__struct_fields__
        if (value := getattr(req, field, UNSET)) is not UNSET
    }
    if "rotation_statements" in sent:
        sent["rotation_statements"] = given(sent["rotation_statements"])
    if req.credential_config is not UNSET:
        sent["password_policy"] = req.credential_config.get("password_policy", "")
    if present is None:
        role = await _new(ctx, req.name, sent)
        await rotation.rotate(ctx, req.name, role)
        return Response()
    role = await _updated(ctx, present, sent)
    rotation.put(ctx, req.name, present, role)
    return Response()


async def _new(ctx: Context, name: str, sent: dict[str, Any]) -> StaticRole:
    if not sent.get("db_name"):
        raise InvalidRequest("database name is required")
    if not sent.get("username"):
        raise InvalidRequest("username is a required field to create a static account")
    if await ctx.storage.find_bytes(f"role/{name}") is not None:
        raise InvalidRequest("role and static role names must be unique")
    role = StaticRole(**sent)
    await _check(ctx, role)
    return role


async def _updated(ctx: Context, present: StaticRole, sent: dict[str, Any]) -> StaticRole:
    for field in ("username", "db_name"):
        if sent.get(field, getattr(present, field)) != getattr(present, field):
            raise InvalidRequest(f"cannot update static account {field}")
    if sent.get("rotation_schedule"):
        sent.setdefault("rotation_period", 0)
    elif sent.get("rotation_period"):
        sent.update(rotation_schedule="", rotation_window=0)
    role = msgspec.structs.replace(present, **sent)
    await _check(ctx, role)
    return msgspec.structs.replace(
        role, due=rotation.timing(role).after(role.last_rotation, role.last_rotation)
    )


async def _check(ctx: Context, role: StaticRole) -> None:
    """Raises InvalidRequest for what could not be carried out."""
    kind = kind_of((await find_connection(ctx, role.db_name)).plugin_name)
    if "\0" in role.username or len(role.username.encode()) > kind.longest_name:
        raise InvalidRequest(f"a username has at most {kind.longest_name} bytes")
    if bool(role.rotation_period) == bool(role.rotation_schedule):
        raise InvalidRequest("either rotation_period or rotation_schedule is required")
    if role.rotation_period and role.rotation_period < SHORTEST_PERIOD:
        raise InvalidRequest(f"rotation_period must be {SHORTEST_PERIOD} seconds or more")
    if role.rotation_window and (role.rotation_period or role.rotation_window < SHORTEST_WINDOW):
        raise InvalidRequest("rotation_window goes with rotation_schedule and is an hour or more")
    rotation.timing(role).check()
    values = {**TRIAL.values(), "name": role.username, "username": role.username}
    filled(role.rotation_statements, values, kind.dialect)


async def read(ctx: Context, req: Named) -> Response:
    """Show a static role, without its password."""
    role = await ctx.storage.find(f"static/{req.name}", StaticRole)
    if role is None:
        raise NotFound
    return Response(
        {
            "username": role.username,
            "db_name": role.db_name,
            "rotation_statements": role.rotation_statements,
            **_timing(role),
            "credential_type": "password",
            "credential_config": {"password_policy": role.password_policy} if role.password_policy else None,
            **({"rotation_plan": role.plan} if role.plan else {}),
        }
    )


def _timing(role: StaticRole) -> dict[str, Any]:
    moment = {"last_vault_rotation": rfc3339(role.last_rotation)}
    if role.rotation_period:
        return {"rotation_period": role.rotation_period, **moment}
    return {
        "rotation_schedule": role.rotation_schedule,
        "rotation_window": role.rotation_window,
        **moment,
    }


async def list_names(ctx: Context, req: Nothing) -> Response:
    """List the static roles."""
    names = await ctx.storage.list("static/")
    if not names:
        raise NotFound
    return Response({"keys": names})


async def delete(ctx: Context, req: Named) -> Response:
    """Let go of an account; it keeps the password it has."""
    role = await ctx.storage.find(f"static/{req.name}", StaticRole)
    if role is not None:
        _check_unplanned(req.name, role)
        rotation.forget(ctx, req.name, role)
    return Response()


async def read_creds(ctx: Context, req: Named) -> Response:
    """Give out the password in force.

    A change that was cut short is finished first: until then nobody knows which one is.
    """
    role = await find_static(ctx, req.name)
    warnings: tuple[str, ...] = ()
    if await ctx.storage.find_bytes(f"renewal/static/{req.name}") is not None:
        try:
            role = await rotation.rotate(ctx, req.name, role)
        except UpstreamFailed:
            warnings = ("a change of this password is under way and could not be finished yet",)
    return Response(
        {
            "username": role.username,
            "password": role.password,
            **_timing(role),
            "ttl": role.refresh if role.plan else max(int(role.due - ctx.now()), 0),
        },
        warnings=warnings,
        facts={"version": role.version},
    )


async def rotate(ctx: Context, req: Named) -> Response:
    """Change the password now."""
    role = await find_static(ctx, req.name)
    _check_unplanned(req.name, role)
    await rotation.rotate(ctx, req.name, role)
    return Response()


def _check_unplanned(name: str, role: StaticRole) -> None:
    if role.plan:
        raise InvalidRequest(f"the role '{name}' is rotated by the plan '{role.plan}': see rotation/plans/")
