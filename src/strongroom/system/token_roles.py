"""`auth/token/roles`: named settings for issuing tokens. Source: Vault's API page /auth/token."""

import re
from fnmatch import fnmatchcase
from typing import Any

import msgspec
from msgspec import Struct

from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Cidrs, CommaList, Context, Fields, Nothing, Response, Route, Seconds
from strongroom.framework.policy_names import canonical_names
from strongroom.framework.token_fields import checked_cidrs

TYPES = {"service", "batch", "default-service", "default-batch"}

_SUFFIX = re.compile(r"\w(?:[\w.-]{0,254}\w)?", re.ASCII)


class Role(Struct, frozen=True, kw_only=True):
    """A token role. Times in seconds; empty lists of policies allow what the caller has."""

    name: str
    allowed_policies: tuple[str, ...] = ()
    allowed_policies_glob: tuple[str, ...] = ()
    disallowed_policies: tuple[str, ...] = ()
    disallowed_policies_glob: tuple[str, ...] = ()
    allowed_entity_aliases: tuple[str, ...] = ()
    orphan: bool = False
    path_suffix: str = ""
    renewable: bool = True
    token_explicit_max_ttl: int = 0
    token_no_default_policy: bool = False
    token_num_uses: int = 0
    token_period: int = 0
    token_type: str = "default-service"
    token_bound_cidrs: tuple[str, ...] = ()


class Named(Fields, frozen=True):
    """A role's name."""

    role_name: str


class WriteRole(Fields, frozen=True, kw_only=True):
    """Settings of a role; what is not named stays. The older names of fields are taken too."""

    role_name: str
    allowed_policies: CommaList | None = None
    allowed_policies_glob: CommaList | None = None
    disallowed_policies: CommaList | None = None
    disallowed_policies_glob: CommaList | None = None
    allowed_entity_aliases: CommaList | None = None
    orphan: bool | None = None
    path_suffix: str | None = None
    renewable: bool | None = None
    token_explicit_max_ttl: Seconds | None = None
    token_no_default_policy: bool | None = None
    token_num_uses: int | None = None
    token_period: Seconds | None = None
    token_type: str | None = None
    token_bound_cidrs: Cidrs | None = None
    explicit_max_ttl: Seconds | None = None
    period: Seconds | None = None
    bound_cidrs: Cidrs | None = None


_OLDER = {
    "explicit_max_ttl": "token_explicit_max_ttl",
    "period": "token_period",
    "bound_cidrs": "token_bound_cidrs",
}
_POLICY_LISTS = ("allowed_policies", "disallowed_policies")


def _key(name: str) -> str:
    return f"role/{name}"


async def find(ctx: Context, name: str) -> Role:
    """A stored role. Raises InvalidRequest when there is none."""
    role = await ctx.storage.find(_key(name), Role)
    if role is None:
        raise InvalidRequest(f"unknown role {name}")
    return role


async def list_roles(ctx: Context, req: Nothing) -> Response:
    names = await ctx.storage.list("role/")
    if not names:
        raise NotFound
    return Response({"keys": names})


async def read(ctx: Context, req: Named) -> Response:
    role = await ctx.storage.find(_key(req.role_name), Role)
    if role is None:
        raise NotFound
    body: dict[str, Any] = msgspec.to_builtins(role)
    body["allowed_entity_aliases"] = body["allowed_entity_aliases"] or None
    return Response(body | {"explicit_max_ttl": role.token_explicit_max_ttl, "period": role.token_period})


async def exists(ctx: Context, req: Named) -> bool:
    return await ctx.storage.find(_key(req.role_name), Role) is not None


async def write(ctx: Context, req: WriteRole) -> Response:
    role = await ctx.storage.find(_key(req.role_name), Role) or Role(name=req.role_name)
    given = {name: value for name in req.__struct_fields__ if (value := getattr(req, name)) is not None}
    given.pop("role_name")
    for older, name in _OLDER.items():
        if older in given:
            given.setdefault(name, given.pop(older))
    for name in _POLICY_LISTS:
        if name in given:
            given[name] = canonical_names(given[name])
    if "token_bound_cidrs" in given:
        given["token_bound_cidrs"] = checked_cidrs("token_bound_cidrs", given["token_bound_cidrs"])
    ctx.storage.put(_key(req.role_name), _checked(msgspec.structs.replace(role, **given)))
    return Response()


def _checked(role: Role) -> Role:
    if role.token_type not in TYPES:
        raise InvalidRequest(f"invalid 'token_type'; there are: {', '.join(sorted(TYPES))}")
    if role.token_num_uses < 0:
        raise InvalidRequest("'token_num_uses' cannot be negative")
    if role.token_type == "batch" and (role.token_period or role.token_num_uses or not role.orphan):
        raise InvalidRequest("'token_type' cannot be 'batch' with a period or uses, or without 'orphan'")
    if role.path_suffix and not _SUFFIX.fullmatch(role.path_suffix):
        raise InvalidRequest("'path_suffix' is one segment of letters, digits, '_', '-' and '.'")
    return role


async def delete(ctx: Context, req: Named) -> Response:
    ctx.storage.delete(_key(req.role_name))
    return Response()


def allowed(role: Role, policies: tuple[str, ...], held: tuple[str, ...]) -> None:
    """Check the policies asked for against a role. Raises InvalidRequest naming the first refused.

    A role without lists passes on what the caller holds; `default` is always allowed
    unless it is disallowed by name.
    """
    listed = bool(role.allowed_policies or role.allowed_policies_glob)
    for name in policies:
        barred = name in role.disallowed_policies or _matches(name, role.disallowed_policies_glob)
        granted = name in role.allowed_policies or _matches(name, role.allowed_policies_glob)
        if not listed:
            restricted = bool(role.disallowed_policies or role.disallowed_policies_glob)
            granted = restricted or name in held or "root" in held
        if barred or not (granted or name == "default"):
            raise InvalidRequest(f"token policies ({name}) are not allowed by role '{role.name}'")


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob.replace("[", "[[]").replace("?", "[?]")) for glob in globs)


ROUTES = (
    Route(path="roles/", list=list_roles, summary="List token roles."),
    Route(
        path="roles/{role_name}",
        read=read,
        write=write,
        delete=delete,
        exists=exists,
        summary="Read, write or delete a token role.",
    ),
)
