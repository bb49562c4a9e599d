"""The login: a role id and, where the role asks for it, a secret id."""

from msgspec.structs import replace

from strongroom.auth.approle.record import (
    Role,
    RoleName,
    SecretId,
    remove_secret,
    role_id_key,
    secret_key,
)
from strongroom.errors import InvalidCredentials, InvalidRequest, PermissionDenied
from strongroom.framework import Context, Fields, Response, Route
from strongroom.framework.token_fields import check_address, issue

REFUSED = "invalid role or secret ID"


class Login(Fields, frozen=True):
    """A role's id with one of its secret ids."""

    role_id: str = ""
    secret_id: str = ""


async def login(ctx: Context, req: Login) -> Response:
    """Check both ids, spend a use of the secret id, and give the role's token."""
    if not req.role_id:
        raise InvalidRequest("missing role_id")
    name, role = await _role_of(ctx, req.role_id)
    secret = await _spend(ctx, role, req.secret_id) if role.bind_secret_id else None
    _check_source(ctx.request.remote, role.secret_id_bound_cidrs)
    settings = role.token
    if secret and secret.token_bound_cidrs:
        settings = replace(settings, token_bound_cidrs=secret.token_bound_cidrs)
    auth = issue(
        settings,
        ctx.request.remote,
        display_name=ctx.mount.path.removeprefix("auth/").rstrip("/"),
        alias=role.role_id,
        metadata={**(secret.metadata if secret else {}), "role_name": name},
        internal={"role": name, "uid": role.uid},
    )
    return Response(auth=auth, facts={"role": name})


async def role_named(ctx: Context) -> str:
    """The role whose id a login names, known or not to be right."""
    role_id = ctx.request.fields.get("role_id")
    if not isinstance(role_id, str) or not role_id:
        return ""
    owner = await ctx.storage.find(await role_id_key(ctx, role_id), RoleName)
    return owner.name if owner else ""


async def _role_of(ctx: Context, role_id: str) -> tuple[str, Role]:
    owner = await ctx.storage.find(await role_id_key(ctx, role_id), RoleName)
    role = await ctx.storage.find(f"role/{owner.name}", Role) if owner else None
    if owner is None or role is None:
        raise InvalidCredentials(REFUSED)
    return owner.name, role


async def _spend(ctx: Context, role: Role, secret_id: str) -> SecretId:
    """Take one use off a secret id, in the transaction that makes the token: of two, one conflicts."""
    if not secret_id:
        raise InvalidRequest("missing secret_id")
    key = await secret_key(ctx, role, secret_id)
    secret = await ctx.storage.find(key, SecretId)
    if secret is None or not secret.live(ctx.now()):
        raise InvalidCredentials(REFUSED)
    _check_source(ctx.request.remote, secret.cidrs)
    if secret.uses == 1:
        await remove_secret(ctx, role, key, secret)
    elif secret.uses:
        ctx.storage.put(key, replace(secret, uses=secret.uses - 1, updated=ctx.now()))
    return secret


def _check_source(remote: str, cidrs: tuple[str, ...]) -> None:
    try:
        check_address(remote, cidrs)
    except PermissionDenied:
        raise InvalidCredentials(REFUSED) from None


ROUTES = (Route(path="login", write=login, login=True, summary="Sign in"),)
