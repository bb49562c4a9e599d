"""Roles: whole, by single field, and their role ids."""

from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from strongroom.auth.approle.record import (
    PAGE,
    Role,
    RoleName,
    existing_role,
    find_role,
    new_id,
    role_facts,
    role_id_key,
    role_name,
)
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Cidrs, Context, Fields, Response, Route, Seconds
from strongroom.framework.token_fields import LEGACY, TokenFields, TokenSettings, checked_cidrs, updated

MAX_ROLE_ID = 4096


class Named(Fields, frozen=True):
    """A role by name."""

    role_name: str


class Page(Fields, frozen=True):
    """The page of a listing that is wanted."""

    after: str = ""
    limit: int = 0


class WriteRole(TokenFields, frozen=True, kw_only=True):
    """A role's settings. Absent members stay; null resets."""

    role_name: str
    role_id: str | UnsetType | None = UNSET
    bind_secret_id: bool | UnsetType | None = UNSET
    secret_id_bound_cidrs: Cidrs | UnsetType | None = UNSET
    bound_cidr_list: Cidrs | UnsetType | None = UNSET
    secret_id_num_uses: int | UnsetType | None = UNSET
    secret_id_ttl: Seconds | UnsetType | None = UNSET
    local_secret_ids: bool | UnsetType | None = UNSET


class WriteRoleId(Fields, frozen=True):
    """A role id of the caller's choice."""

    role_name: str
    role_id: str = ""


_PLAIN = {"bind_secret_id": True, "secret_id_num_uses": 0, "secret_id_ttl": 0, "secret_id_bound_cidrs": ()}


async def role_exists(ctx: Context, req: Named) -> bool:
    """Whether a write updates."""
    return await find_role(ctx, req.role_name) is not None


async def read_role(ctx: Context, req: Named) -> Response:
    """Give out a role's settings."""
    return Response(role_facts(await _present(ctx, req.role_name)))


async def write_role(ctx: Context, req: WriteRole) -> Response:
    """Make a role, or change what the request names of one."""
    name = role_name(req.role_name)
    stored = await find_role(ctx, name)
    if stored and req.local_secret_ids not in (UNSET, None, stored.local_secret_ids):
        raise InvalidRequest("local_secret_ids can only be modified during role creation")
    role = stored or Role(new_id(), new_id(), TokenSettings(), local_secret_ids=req.local_secret_ids is True)
    role = changed(role, req)
    if isinstance(req.role_id, str) and req.role_id:
        role = await _with_role_id(ctx, name, role, req.role_id)
    elif stored is None:
        ctx.storage.put(await role_id_key(ctx, role.role_id), RoleName(name))
    ctx.storage.put(f"role/{name}", role)
    default_batch = isinstance(req.token_type, str) and req.token_type.replace("_", "-") == "default-batch"
    return Response(warnings=("default-batch has no useful meaning; adjusting to batch",) * default_batch)


async def delete_role(ctx: Context, req: Named) -> Response:
    """Remove a role with its role id and every secret id."""
    name = role_name(req.role_name)
    role = await find_role(ctx, name)
    if role is None:
        return Response()
    for prefix in (f"secret/{role.uid}/", f"accessor/{role.uid}/"):
        after = ""
        while keys := await ctx.storage.keys(prefix, after, PAGE):
            for key in keys:
                ctx.storage.delete(key)
            after = keys[-1]
    ctx.storage.delete(await role_id_key(ctx, role.role_id))
    ctx.storage.delete(f"role/{name}")
    return Response()


async def list_roles(ctx: Context, req: Page) -> Response:
    """List the roles' names."""
    names = await ctx.storage.list("role/", req.after, max(req.limit, 0))
    if not names:
        raise NotFound
    return Response({"keys": names})


async def read_role_id(ctx: Context, req: Named) -> Response:
    """Give out a role's id."""
    return Response({"role_id": (await _present(ctx, req.role_name)).role_id})


async def write_role_id(ctx: Context, req: WriteRoleId) -> Response:
    """Set a role's id to one of the caller's choice."""
    if not req.role_id:
        raise InvalidRequest("missing role_id")
    name = role_name(req.role_name)
    role = await existing_role(ctx, name)
    ctx.storage.put(f"role/{name}", await _with_role_id(ctx, name, role, req.role_id))
    return Response()


async def _with_role_id(ctx: Context, name: str, role: Role, role_id: str) -> Role:
    if len(role_id) > MAX_ROLE_ID:
        raise InvalidRequest(f"role_id is longer than {MAX_ROLE_ID} characters")
    key = await role_id_key(ctx, role_id)
    owner = await ctx.storage.find(key, RoleName)
    if owner is not None and owner.name != name:
        raise InvalidRequest("role_id already in use")
    ctx.storage.delete(await role_id_key(ctx, role.role_id))
    ctx.storage.put(key, RoleName(name))
    return replace(role, role_id=role_id)


def changed(role: Role, req: WriteRole) -> Role:
    """The role with what the request gives. Raises InvalidRequest for what cannot be."""
    changes: dict[str, Any] = {"token": updated(role.token, req)}
    if req.bound_cidr_list is not UNSET:
        changes["secret_id_bound_cidrs"] = req.bound_cidr_list or ()
    for name, default in _PLAIN.items():
        value = getattr(req, name)
        if value is not UNSET:
            changes[name] = default if value is None else value
    role = replace(role, **changes)
    if role.secret_id_num_uses < 0:
        raise InvalidRequest("secret_id_num_uses cannot be negative")
    cidrs = checked_cidrs("secret_id_bound_cidrs", role.secret_id_bound_cidrs)
    if not (role.bind_secret_id or cidrs or role.token.token_bound_cidrs):
        raise InvalidRequest("at least one constraint should be enabled on the role")
    return replace(role, secret_id_bound_cidrs=cidrs)


async def _present(ctx: Context, name: str) -> Role:
    """The role, or the 404 without a word that Vault answers a read with."""
    role = await find_role(ctx, name)
    if role is None:
        raise NotFound
    return role


@dataclass(frozen=True)
class SingleField:
    """The handlers of one setting. `names` are its wire names, the one to show first."""

    names: tuple[str, ...]

    async def read(self, ctx: Context, req: Named) -> Response:
        """Give out the setting."""
        facts = role_facts(await _present(ctx, req.role_name))
        facts["bound_cidr_list"] = facts["secret_id_bound_cidrs"]
        return Response({name: facts[name] for name in self.names if name in facts})

    async def write(self, ctx: Context, req: WriteRole) -> Response:
        """Change the setting and nothing else."""
        given = {name: getattr(req, name) for name in self.names if getattr(req, name) is not UNSET}
        if not given:
            raise InvalidRequest(f"missing {self.names[0]}")
        return await self._store(ctx, req.role_name, given)

    async def delete(self, ctx: Context, req: Named) -> Response:
        """Put the setting back to its default."""
        if await find_role(ctx, req.role_name) is None:
            return Response()
        return await self._store(ctx, req.role_name, {self.names[0]: None})

    async def _store(self, ctx: Context, name: str, given: dict[str, Any]) -> Response:
        role = await existing_role(ctx, name)
        ctx.storage.put(f"role/{role_name(name)}", changed(role, WriteRole(role_name=name, **given)))
        return Response()


def single_field(path: str, *names: str) -> Route:
    """The route of one setting."""
    handlers = SingleField(names)
    return Route(
        path=f"role/{{role_name}}/{path}",
        read=handlers.read,
        write=handlers.write,
        delete=handlers.delete,
        summary=f"A role's {names[0]}",
    )


def _with_legacy(name: str) -> tuple[str, ...]:
    return (name, *(old for old, new in LEGACY.items() if new == name and hasattr(WriteRole, old)))


ROUTES = (
    Route(path="role/", list=list_roles, summary="The roles' names"),
    Route(
        path="role/{role_name}",
        read=read_role,
        write=write_role,
        delete=delete_role,
        exists=role_exists,
        summary="A role: who may log in, and the settings of the tokens",
        description=(
            "A role is a role id and settings. Machines log in with the role id and, unless "
            "`bind_secret_id` is off, a secret id. At least one constraint must hold: a secret id, or "
            "networks that logins come from."
        ),
    ),
    Route(path="role/{role_name}/role-id", read=read_role_id, write=write_role_id, summary="A role's id"),
    single_field("policies", *_with_legacy("token_policies")),
    single_field("period", *_with_legacy("token_period")),
    single_field("token-ttl", "token_ttl"),
    single_field("token-max-ttl", "token_max_ttl"),
    single_field("token-num-uses", "token_num_uses"),
    single_field("token-bound-cidrs", "token_bound_cidrs"),
    single_field("bind-secret-id", "bind_secret_id"),
    single_field("secret-id-num-uses", "secret_id_num_uses"),
    single_field("secret-id-ttl", "secret_id_ttl"),
    single_field("secret-id-bound-cidrs", "secret_id_bound_cidrs"),
    single_field("bound-cidr-list", "bound_cidr_list"),
    Route(
        path="role/{role_name}/local-secret-ids",
        read=SingleField(("local_secret_ids",)).read,
        summary="Whether a role's secret ids stay on one cluster",
    ),
)
