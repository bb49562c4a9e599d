"""`sys/quotas`: limits on how often requests come, and on how many leases there are.

Source: Vault's API pages /sys/quotas/config, /sys/rate-limit-quotas, /sys/lease-count-quotas.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from strongroom.core.quotas import counts, record
from strongroom.core.quotas.record import Config, LeaseCount, Quota, RateLimit
from strongroom.core.quotas.scopes import Scopes
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import (
    CommaList,
    Context,
    Fields,
    Nothing,
    Operation,
    Request,
    Response,
    Route,
    Seconds,
    checked_path,
)
from strongroom.system.house import core, transaction
from strongroom.system.mount_table import AUTH

RATES, COUNTS = "rate-limit", "lease-count"
NO_ROLES = ("auth/token/",)


class Named(Fields, frozen=True):
    """A quota's name."""

    name: str


class Scope(Named, frozen=True, kw_only=True):
    """What a quota is about."""

    path: Annotated[str, Meta(description="A namespace, a mount or a path in one; empty for all.")] = ""
    role: Annotated[str, Meta(description="Only logins of this role, at the auth method of `path`.")] = ""
    inheritable: Annotated[
        bool | None, Meta(description="Of a namespace: those below, too. Default for the root only.")
    ] = None


class WriteRate(Scope, frozen=True, kw_only=True):
    """A rate limit."""

    rate: Annotated[float, Meta(description="Requests in an interval, from one address.")] = 0
    interval: Annotated[Seconds, Meta(description="Seconds in which a bucket fills.")] = 1
    block_interval: Annotated[Seconds, Meta(description="Seconds to shut out who goes over it.")] = 0


class WriteCount(Scope, frozen=True, kw_only=True):
    """A limit on leases."""

    max_leases: Annotated[int, Meta(description="Leases at a time, those of tokens included.")] = 0


class WriteConfig(Fields, frozen=True, kw_only=True):
    """Settings of all rate limits; what is not named stays."""

    enable_rate_limit_audit_logging: Annotated[
        bool | None, Meta(description="Whether refusals are in the audit log.")
    ] = None
    enable_rate_limit_response_headers: Annotated[
        bool | None, Meta(description="Whether answers say what is left of the limit.")
    ] = None
    rate_limit_exempt_paths: Annotated[
        CommaList | None, Meta(description="Whole paths without a limit; `*` at the end is anything.")
    ] = None


async def _scope(ctx: Context, req: Scope) -> dict[str, Any]:
    """The fields of a quota that say what it is about. Raises InvalidRequest."""
    path = checked_path(req.path.removesuffix("*").strip("/")) if req.path.strip("/*") else ""
    asked = Request(Operation.READ, checked_path(f"{path}/-" if path else "sys"), ctx.request.id)
    target = await core(ctx).namespaces.aim(asked)
    if path and target.mount is None and asked.namespace != path:
        raise InvalidRequest(f"there is no mount and no namespace at '{path}/'")
    inside = path.removeprefix(asked.namespace).strip("/")
    mounted = target.mount.path if target.mount is not None and path != asked.namespace else ""
    if req.role and (mounted != f"{inside}/" or not mounted.startswith(AUTH) or mounted in NO_ROLES):
        raise InvalidRequest("a quota with a role has the path of an auth method whose logins have roles")
    return {
        "name": req.name,
        "path": path,
        "shown": f"{path}/" if path and (not inside or mounted == f"{inside}/") else path,
        "namespace": asked.namespace if path else "",
        "role": req.role,
        "inheritable": not path if req.inheritable is None else req.inheritable,
    }


async def write_rate(ctx: Context, req: WriteRate) -> Response:
    if req.rate <= 0 or req.interval <= 0 or req.block_interval < 0:
        raise InvalidRequest("'rate' and 'interval' are over 0, 'block_interval' is not negative")
    quota = RateLimit(
        **await _scope(ctx, req), rate=req.rate, interval=req.interval, block_interval=req.block_interval
    )
    record.view(transaction(ctx)).put(f"{RATES}/{req.name}", quota)
    return _changed(ctx)


async def write_count(ctx: Context, req: WriteCount) -> Response:
    if req.max_leases <= 0:
        raise InvalidRequest("'max_leases' is over 0")
    quota = LeaseCount(**await _scope(ctx, req), max_leases=req.max_leases)
    before = await _find(ctx, COUNTS, req.name)
    record.view(transaction(ctx)).put(f"{COUNTS}/{req.name}", quota)
    moved = before is not None and (before.path, before.role) != (quota.path, quota.role)
    await _assign(ctx, req.name if moved else "")
    return _changed(ctx)


async def _assign(ctx: Context, gone: str) -> None:
    house, tx = core(ctx), transaction(ctx)

    async def place(uuid: str) -> str:
        return (await house.namespaces.of(uuid)).path

    await counts.assign(tx, Scopes(await record.lease_counts(tx)), place, gone)


def _changed(ctx: Context) -> Response:
    ctx.after_commit(core(ctx).quotas.load)
    return Response()


async def _find(ctx: Context, kind: str, name: str) -> Quota | None:
    return await record.view(transaction(ctx)).find(f"{kind}/{name}", record.KINDS[kind])


async def _shown(ctx: Context, kind: str, name: str) -> Response:
    quota = await _find(ctx, kind, name)
    if quota is None:
        raise NotFound
    body: dict[str, Any] = msgspec.structs.asdict(quota)
    body.pop("namespace")
    body["path"] = body.pop("shown")
    return Response({**body, "type": kind})


async def read_rate(ctx: Context, req: Named) -> Response:
    return await _shown(ctx, RATES, req.name)


async def read_count(ctx: Context, req: Named) -> Response:
    answer = await _shown(ctx, COUNTS, req.name)
    return Response({**answer.data, "counter": await counts.total(transaction(ctx), req.name)})


async def delete_rate(ctx: Context, req: Named) -> Response:
    record.view(transaction(ctx)).delete(f"{RATES}/{req.name}")
    return _changed(ctx)


async def delete_count(ctx: Context, req: Named) -> Response:
    if await _find(ctx, COUNTS, req.name) is not None:
        record.view(transaction(ctx)).delete(f"{COUNTS}/{req.name}")
        await _assign(ctx, req.name)
    return _changed(ctx)


async def list_rates(ctx: Context, req: Nothing) -> Response:
    return await _names(ctx, RATES)


async def list_counts(ctx: Context, req: Nothing) -> Response:
    return await _names(ctx, COUNTS)


async def _names(ctx: Context, kind: str) -> Response:
    names = await record.view(transaction(ctx)).list(f"{kind}/")
    if not names:
        raise NotFound
    return Response({"keys": names})


async def read_config(ctx: Context, req: Nothing) -> Response:
    return Response(msgspec.structs.asdict(await record.config(transaction(ctx))))


async def write_config(ctx: Context, req: WriteConfig) -> Response:
    named = {name: value for name in req.__struct_fields__ if (value := getattr(req, name)) is not None}
    if "rate_limit_exempt_paths" in named:
        named["rate_limit_exempt_paths"] = tuple(
            path.strip("/") for path in named["rate_limit_exempt_paths"] if path.strip("/")
        )
    config: Config = msgspec.structs.replace(await record.config(transaction(ctx)), **named)
    record.view(transaction(ctx)).put(record.CONFIG, config)
    return _changed(ctx)


ROUTES = (
    Route(
        path="quotas/config",
        read=read_config,
        write=write_config,
        sudo=True,
        summary="What holds for all rate limits: headers, refusals in the audit log, exempt paths.",
    ),
    Route(path="quotas/rate-limit/", list=list_rates, sudo=True, summary="List the rate limits."),
    Route(
        path="quotas/rate-limit/{name}",
        read=read_rate,
        write=write_rate,
        delete=delete_rate,
        sudo=True,
        summary="A limit on requests from one address.",
        description=(
            "Of the rate limits that a request comes under, the one with the longest path holds: a role's, "
            "a path's, a mount's, a namespace's, the server's. A refusal is 429 with Retry-After."
        ),
    ),
    Route(path="quotas/lease-count/", list=list_counts, sudo=True, summary="List the limits on leases."),
    Route(
        path="quotas/lease-count/{name}",
        read=read_count,
        write=write_count,
        delete=delete_count,
        sudo=True,
        summary="A limit on leases, those of tokens included.",
    ),
)
