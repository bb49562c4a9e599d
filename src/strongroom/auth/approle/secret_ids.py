"""Secret ids: made, looked up and destroyed, by themselves or by accessor; and the tidy-up."""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from strongroom.auth.approle.record import (
    PAGE,
    Accessor,
    Role,
    SecretId,
    accessor_key,
    existing_role,
    hashed,
    new_id,
    remove_secret,
    secret_facts,
    secret_key,
)
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Cidrs, Context, Fields, Nothing, Response, Route, Seconds
from strongroom.framework.token_fields import checked_cidrs
from strongroom.framework.wire import pairs

MAX_SECRET_ID = 4096
MAX_METADATA = 64


class Named(Fields, frozen=True):
    """A role by name."""

    role_name: str


class Make(Fields, frozen=True):
    """A secret id's settings; what is absent comes from the role."""

    role_name: str
    secret_id: str = ""
    metadata: str | dict[str, Any] = ""
    cidr_list: Cidrs = ()
    token_bound_cidrs: Cidrs = ()
    num_uses: int | UnsetType = UNSET
    ttl: Seconds | UnsetType = UNSET


class BySecret(Fields, frozen=True):
    """A secret id of a role."""

    role_name: str
    secret_id: str = ""


class ByAccessor(Fields, frozen=True):
    """A secret id of a role by its accessor."""

    role_name: str
    secret_id_accessor: str = ""


async def make_secret_id(ctx: Context, req: Make) -> Response:
    """Make a random secret id."""
    return await _make(ctx, req, new_id())


async def make_custom_secret_id(ctx: Context, req: Make) -> Response:
    """Register a secret id of the caller's choice."""
    if not req.secret_id:
        raise InvalidRequest("missing secret_id")
    if len(req.secret_id) > MAX_SECRET_ID:
        raise InvalidRequest(f"secret_id is longer than {MAX_SECRET_ID} characters")
    return await _make(ctx, req, req.secret_id)


async def list_accessors(ctx: Context, req: Named) -> Response:
    """List the accessors of a role's secret ids."""
    role = await existing_role(ctx, req.role_name)
    found: list[str] = []
    after = ""
    while keys := await ctx.storage.keys(f"secret/{role.uid}/", after, PAGE):
        secrets = [await ctx.storage.find(key, SecretId) for key in keys]
        found += [secret.accessor for secret in secrets if secret and secret.live(ctx.now())]
        after = keys[-1]
    if not found:
        raise NotFound
    return Response({"keys": sorted(found)})


async def lookup_secret_id(ctx: Context, req: BySecret) -> Response:
    """Give out a secret id's facts; nothing when the role has no such one."""
    if not req.secret_id:
        raise InvalidRequest("missing secret_id")
    role = await existing_role(ctx, req.role_name)
    secret = await ctx.storage.find(await secret_key(ctx, role, req.secret_id), SecretId)
    return Response(secret_facts(secret)) if secret and secret.live(ctx.now()) else Response()


async def destroy_secret_id(ctx: Context, req: BySecret) -> Response:
    """Remove a secret id of this role; another role's is out of reach."""
    if not req.secret_id:
        raise InvalidRequest("missing secret_id")
    role = await existing_role(ctx, req.role_name)
    key = await secret_key(ctx, role, req.secret_id)
    secret = await ctx.storage.find(key, SecretId)
    if secret is not None:
        await remove_secret(ctx, role, key, secret)
    return Response()


async def lookup_accessor(ctx: Context, req: ByAccessor) -> Response:
    """Give out a secret id's facts by its accessor."""
    _, _, secret = await _by_accessor(ctx, req)
    return Response(secret_facts(secret))


async def destroy_accessor(ctx: Context, req: ByAccessor) -> Response:
    """Remove a secret id of this role by its accessor."""
    await remove_secret(ctx, *await _by_accessor(ctx, req))
    return Response()


async def tidy(ctx: Context, req: Nothing) -> Response:
    """Remove expired secret ids, a page at a time."""
    now = ctx.now()
    after = ""
    while True:
        async with ctx.separately() as view:
            keys = await view.keys("secret/", after, PAGE)
            for key in keys:
                secret = await view.find(key, SecretId)
                if secret is not None and not secret.live(now):
                    uid = key.split("/")[1]
                    view.delete(key)
                    view.delete(f"accessor/{uid}/{await hashed(ctx, 'accessor', uid, secret.accessor)}")
        if len(keys) < PAGE:
            return Response(
                warnings=("Tidy operation finished: expired secret ids are removed.",), status=202
            )
        after = keys[-1]


async def _by_accessor(ctx: Context, req: ByAccessor) -> tuple[Role, str, SecretId]:
    """The role, and where the secret id is, and what it is. Raises NotFound, also for another role's."""
    if not req.secret_id_accessor:
        raise InvalidRequest("missing secret_id_accessor")
    role = await existing_role(ctx, req.role_name)
    pointer = await ctx.storage.find(await accessor_key(ctx, role, req.secret_id_accessor), Accessor)
    key = f"secret/{role.uid}/{pointer.hash}" if pointer else ""
    secret = await ctx.storage.find(key, SecretId) if key else None
    if secret is None or not secret.live(ctx.now()):
        raise NotFound("the role has no secret id with this accessor")
    return role, key, secret


async def _make(ctx: Context, req: Make, secret_id: str) -> Response:
    role = await existing_role(ctx, req.role_name)
    if not role.bind_secret_id:
        raise InvalidRequest("bind_secret_id is not set on the role")
    uses, ttl = _within_role(role, req)
    key = await secret_key(ctx, role, secret_id)
    now = ctx.now()
    earlier = await ctx.storage.find(key, SecretId)
    if earlier is not None and earlier.live(now):
        raise InvalidRequest("SecretID is already registered")
    if earlier is not None:
        await remove_secret(ctx, role, key, earlier)
    secret = SecretId(
        accessor=new_id(),
        created=now,
        updated=now,
        ttl=ttl,
        expires=now + ttl if ttl else 0.0,
        uses=uses,
        metadata=_metadata(req.metadata),
        cidrs=_subset("cidr_list", req.cidr_list, role.secret_id_bound_cidrs),
        token_bound_cidrs=_subset("token_bound_cidrs", req.token_bound_cidrs, role.token.token_bound_cidrs),
    )
    ctx.storage.put(key, secret)
    ctx.storage.put(await accessor_key(ctx, role, secret.accessor), Accessor(key.rsplit("/", 1)[1]))
    return Response(
        {
            "secret_id": secret_id,
            "secret_id_accessor": secret.accessor,
            "secret_id_num_uses": uses,
            "secret_id_ttl": ttl,
        }
    )


def _within_role(role: Role, req: Make) -> tuple[int, int]:
    """Uses and lifetime: the request's where it gives them, never beyond the role's."""
    uses = role.secret_id_num_uses if isinstance(req.num_uses, UnsetType) else req.num_uses
    ttl = role.secret_id_ttl if isinstance(req.ttl, UnsetType) else req.ttl
    if uses < 0:
        raise InvalidRequest("num_uses cannot be negative")
    if role.secret_id_num_uses and not 0 < uses <= role.secret_id_num_uses:
        raise InvalidRequest("num_uses cannot be higher than the role's secret_id_num_uses")
    if role.secret_id_ttl and not 0 < ttl <= role.secret_id_ttl:
        raise InvalidRequest("ttl cannot be longer than the role's secret_id_ttl")
    return uses, ttl


def _subset(field: str, asked: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """The networks asked for; raises InvalidRequest where one is not inside the role's."""
    cidrs = checked_cidrs(field, asked)
    outer = [ip_network(cidr) for cidr in allowed]
    for cidr in cidrs:
        inner = ip_network(cidr)
        if outer and not any(inner.version == net.version and inner.subnet_of(net) for net in outer):  # type: ignore[arg-type]  # same version, as checked
            raise InvalidRequest(f"field '{field}': not inside the role's networks")
    return cidrs


def _metadata(value: str | dict[str, Any]) -> dict[str, str]:
    """Metadata as an object of text, given as JSON text, as an object or as `a=b,c=d`."""
    if isinstance(value, str) and value.strip():
        value = _decoded(value.strip())
    if not isinstance(value, dict):
        return {}
    if len(value) > MAX_METADATA or not all(isinstance(member, str) for member in value.values()):
        raise InvalidRequest(f"failed to parse metadata: up to {MAX_METADATA} members with text values")
    return value


def _decoded(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        parts = text.split(",")
        if not all("=" in part for part in parts):
            raise InvalidRequest("failed to parse metadata: a JSON object of text is expected")
        return dict(pairs(parts))
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        raise InvalidRequest("failed to parse metadata: a JSON object of text is expected") from None


_DESTROY = "role/{role_name}/secret-id/destroy"
_DESTROY_ACCESSOR = "role/{role_name}/secret-id-accessor/destroy"

ROUTES = (
    Route(
        path="role/{role_name}/secret-id",
        write=make_secret_id,
        list=list_accessors,
        summary="A new secret id; the accessors of those there are",
        description=(
            "The secret id is in this answer only: wrap it (X-Vault-Wrap-TTL) when someone carries it "
            "to the machine."
        ),
    ),
    Route(
        path="role/{role_name}/custom-secret-id", write=make_custom_secret_id, summary="A chosen secret id"
    ),
    Route(path="role/{role_name}/secret-id/lookup", write=lookup_secret_id, summary="A secret id's facts"),
    Route(path=_DESTROY, write=destroy_secret_id, delete=destroy_secret_id, summary="End a secret id"),
    Route(
        path="role/{role_name}/secret-id-accessor/lookup",
        write=lookup_accessor,
        summary="A secret id's facts by accessor",
    ),
    Route(
        path=_DESTROY_ACCESSOR,
        write=destroy_accessor,
        delete=destroy_accessor,
        summary="End a secret id by accessor",
    ),
    Route(path="tidy/secret-id", write=tidy, summary="Remove expired secret ids"),
)
