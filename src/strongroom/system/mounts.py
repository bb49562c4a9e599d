"""`sys/mounts`, `sys/auth`, `sys/remount` and `sys/internal/ui/mounts`.

Source: Vault's API pages /sys/mounts, /sys/auth, /sys/remount; bodies as OpenBao sends them.
"""

from typing import Annotated, Any
from uuid import uuid4

import msgspec
from msgspec import Meta

from strongroom.core import mounts as table
from strongroom.core.core import Core
from strongroom.core.policies.acl import ACL
from strongroom.core.tokens import mount_ttls
from strongroom.errors import InvalidRequest, PermissionDenied
from strongroom.framework import (
    CommaList,
    Context,
    Fields,
    Mount,
    MountConfig,
    Nothing,
    Pairs,
    Response,
    Route,
    Seconds,
)
from strongroom.framework.wire import converters, decode
from strongroom.system.house import core, own, transaction
from strongroom.system.mount_end import end_mount

AUTH = "auth/"


class Named(Fields, frozen=True):
    """A mount's path."""

    path: Annotated[str, Meta(description="Where the mount is, without a leading slash.")]


class Tuning(Fields, frozen=True, kw_only=True):
    """Settings of a mount; what is not named stays as it is. Times in seconds."""

    default_lease_ttl: Seconds | None = None
    max_lease_ttl: Seconds | None = None
    force_no_cache: bool | None = None
    listing_visibility: str | None = None
    token_type: str | None = None
    audit_non_hmac_request_keys: CommaList | None = None
    audit_non_hmac_response_keys: CommaList | None = None
    passthrough_request_headers: CommaList | None = None
    allowed_response_headers: CommaList | None = None
    user_lockout_config: dict[str, Any] | None = None


class Enable(Fields, frozen=True, kw_only=True):
    """A new mount."""

    path: str
    type: str
    description: str = ""
    config: dict[str, Any] | None = None
    options: Pairs | None = None
    local: bool = False
    seal_wrap: bool = False
    external_entropy_access: bool = False
    plugin_name: str = ""


_LENIENT = converters(Tuning)


class Tune(Tuning, frozen=True, kw_only=True):
    """New settings of a mount."""

    path: str
    description: str | None = None
    options: Pairs | None = None


class Move(Fields, frozen=True, rename={"source": "from", "target": "to"}):
    """From one path to another; both with or without the trailing slash."""

    source: Annotated[str, Meta(description="Present path.")]
    target: Annotated[str, Meta(description="New path.")]


class Migration(Fields, frozen=True):
    """A finished or running move."""

    migration_id: str


def shown(mount: Mount) -> dict[str, Any]:
    """A mount as Vault describes it."""
    config: dict[str, Any] = {
        "default_lease_ttl": mount.config.default_lease_ttl,
        "force_no_cache": mount.config.force_no_cache,
        "max_lease_ttl": mount.config.max_lease_ttl,
    }
    if mount.path.startswith(AUTH):
        config["token_type"] = mount.config.token_type
    config.update(_optional(mount.config))
    return {
        "accessor": mount.accessor,
        "config": config,
        "description": mount.description,
        "external_entropy_access": mount.external_entropy_access,
        "local": mount.local,
        "options": mount.options or None,
        "plugin_version": "",
        "running_plugin_version": "",
        "running_sha256": "",
        "seal_wrap": mount.seal_wrap,
        "type": mount.kind,
        "uuid": mount.uuid,
    }


def _optional(config: MountConfig) -> dict[str, Any]:
    names = (
        "listing_visibility",
        "audit_non_hmac_request_keys",
        "audit_non_hmac_response_keys",
        "passthrough_request_headers",
        "allowed_response_headers",
    )
    return {name: value for name in names if (value := getattr(config, name))}


def _listing(house: Core, *, auth: bool) -> dict[str, Any]:
    area = AUTH if auth else ""
    return {
        path[len(area) :]: shown(mount)
        for path, mount in sorted(house.mounts.items())
        if path.startswith(AUTH) == auth
    }


async def list_mounts(ctx: Context, req: Nothing) -> Response:
    return Response(_listing(core(ctx), auth=False), doubled=True)


async def list_auth(ctx: Context, req: Nothing) -> Response:
    return Response(_listing(core(ctx), auth=True), doubled=True)


def _find(ctx: Context, path: str, area: str) -> Mount:
    full = area + table.normalised(path)
    mount = core(ctx).mounts.get(full)
    if mount is None or full.startswith(AUTH) != (area == AUTH):
        kind = "auth" if area else "secret"
        raise InvalidRequest(f"No {kind} engine mount at {full.removeprefix(area)}")
    return mount


async def read_mount(ctx: Context, req: Named) -> Response:
    return Response(shown(_find(ctx, req.path, "")), doubled=True)


async def read_auth(ctx: Context, req: Named) -> Response:
    return Response(shown(_find(ctx, req.path, AUTH)), doubled=True)


async def enable_mount(ctx: Context, req: Enable) -> Response:
    return await _enable(ctx, req, "")


async def enable_auth(ctx: Context, req: Enable) -> Response:
    return await _enable(ctx, req, AUTH)


async def _enable(ctx: Context, req: Enable, area: str) -> Response:
    house = core(ctx)
    kind, options = req.plugin_name or req.type, dict(req.options or {})
    if kind == "kv-v2":
        kind, options = "kv", {"version": "2", **options}
    engine = house.engines.get(area + kind)
    if engine is None or engine.trusted:
        raise InvalidRequest(f"plugin not found in the catalog: {kind}")
    current = await table.load(own(ctx))
    path = area + table.normalised(req.path)
    table.place(current, path)
    config = _config(MountConfig(), decode(Tuning, req.config or {}, _LENIENT))
    if engine.versions:
        options = {**engine.default_options, **options}
        if options.get("version") not in engine.versions:
            raise InvalidRequest(
                f"unknown version of {kind}; there are: {', '.join(sorted(engine.versions))}"
            )
    mount = table.fresh(
        path,
        kind,
        description=req.description,
        options=options,
        config=config,
        local=req.local,
        seal_wrap=req.seal_wrap,
        external_entropy_access=req.external_entropy_access,
    )
    await engine.mounted(house.context_for(transaction(ctx), mount, ctx))
    await _replace(ctx, {**current, path: mount})
    return Response()


async def _replace(ctx: Context, mounts: dict[str, Mount]) -> None:
    """Store a changed table; the router takes it when the transaction is durable."""
    table.save(own(ctx), mounts)
    ctx.after_commit(lambda: core(ctx).adopt(mounts))


def _config(config: MountConfig, tuning: Tuning) -> MountConfig:
    names = set(MountConfig.__struct_fields__) & set(Tuning.__struct_fields__)
    changes = {name: value for name in names if (value := getattr(tuning, name)) is not None}
    if tuning.user_lockout_config is not None:
        changes["user_lockout"] = {str(key): value for key, value in tuning.user_lockout_config.items()}
    changed = msgspec.structs.replace(config, **changes)
    if 0 < changed.max_lease_ttl < changed.default_lease_ttl:
        raise InvalidRequest("default_lease_ttl is greater than max_lease_ttl")
    if changed.listing_visibility not in ("", "hidden", "unauth"):
        raise InvalidRequest("listing_visibility is 'hidden' or 'unauth'")
    if changed.token_type not in ("default-service", "default-batch", "service", "batch"):
        raise InvalidRequest("token_type is default-service, default-batch, service or batch")
    return changed


async def tune_mount(ctx: Context, req: Tune) -> Response:
    return await _tune(ctx, req, "")


async def tune_auth(ctx: Context, req: Tune) -> Response:
    return await _tune(ctx, req, AUTH)


async def _tune(ctx: Context, req: Tune, area: str) -> Response:
    mount = _find(ctx, req.path, area)
    current = await table.load(own(ctx))
    changes: dict[str, Any] = {"config": _config(mount.config, req)}
    if req.description is not None:
        changes["description"] = req.description
    if req.options is not None:
        changes["options"] = mount.options | req.options
        if mount.options.get("version") == "2" and changes["options"].get("version") != "2":
            raise InvalidRequest("cannot downgrade mount from version 2")
    await _replace(ctx, {**current, mount.path: msgspec.structs.replace(mount, **changes)})
    return Response()


async def read_tune_mount(ctx: Context, req: Named) -> Response:
    return _tuned(_find(ctx, req.path, ""))


async def read_tune_auth(ctx: Context, req: Named) -> Response:
    return _tuned(_find(ctx, req.path, AUTH))


def _tuned(mount: Mount) -> Response:
    default, maximum = mount_ttls(mount)
    body: dict[str, Any] = {
        "default_lease_ttl": default,
        "description": mount.description,
        "force_no_cache": mount.config.force_no_cache,
        "max_lease_ttl": maximum,
        **_optional(mount.config),
    }
    if mount.options:
        body["options"] = mount.options
    if mount.path.startswith(AUTH):
        body["token_type"] = mount.config.token_type
    if mount.config.user_lockout:
        body["user_lockout_config"] = mount.config.user_lockout
    return Response(body, doubled=True)


async def disable_mount(ctx: Context, req: Named) -> Response:
    return await _disable(ctx, req.path, "")


async def disable_auth(ctx: Context, req: Named) -> Response:
    return await _disable(ctx, req.path, AUTH)


async def _disable(ctx: Context, path: str, area: str) -> Response:
    full = area + table.normalised(path)
    if table.protected(full):
        raise InvalidRequest(f"cannot unmount '{full}'")
    if full in core(ctx).mounts:
        ctx.after_commit(lambda: end_mount(core(ctx), full))
    return Response()


async def move(ctx: Context, req: Move) -> Response:
    source, target = table.normalised(req.source), table.normalised(req.target)
    current = await table.load(own(ctx))
    mount = current.get(source)
    if mount is None:
        raise InvalidRequest(f"no matching mount at '{source}'")
    if table.protected(source) or table.protected(target):
        raise InvalidRequest(f"cannot remount '{source}'")
    if source.startswith(AUTH) != target.startswith(AUTH):
        raise InvalidRequest("cannot remount auth mount to non-auth mount, or the reverse")
    rest = {path: entry for path, entry in current.items() if path != source}
    table.place(rest, target)
    moved = msgspec.structs.replace(mount, path=target)
    await _replace(ctx, {**rest, target: moved})
    migration = str(uuid4())
    own(ctx).put(f"migration/{migration}", Moved(source, target))
    return Response({"migration_id": migration}, doubled=True)


class Moved(msgspec.Struct, frozen=True):
    """A move that is done: moving renames the entry, so it is never under way."""

    source: str
    target: str


async def move_status(ctx: Context, req: Migration) -> Response:
    moved = await own(ctx).get(f"migration/{req.migration_id}", Moved)
    return Response(
        {
            "migration_id": req.migration_id,
            "migration_info": {
                "source_mount": moved.source,
                "target_mount": moved.target,
                "status": "success",
            },
        },
        doubled=True,
    )


async def ui_mounts(ctx: Context, req: Nothing) -> Response:
    house = core(ctx)
    session = await _session(ctx)
    seen: dict[str, dict[str, Any]] = {"auth": {}, "secret": {}}
    for path, mount in sorted(house.mounts.items()):
        public = mount.config.listing_visibility == "unauth"
        if public or (session is not None and session.any_below(path)):
            auth = path.startswith(AUTH)
            brief = {"type": mount.kind, "description": mount.description, "options": mount.options or None}
            entry: dict[str, Any] = shown(mount) if session else brief
            seen["auth" if auth else "secret"][path.removeprefix(AUTH)] = entry
    return Response(seen)


async def ui_mount(ctx: Context, req: Named) -> Response:
    house = core(ctx)
    found = house.router.mount_of(req.path + "/")
    acl = await _session(ctx)
    if found is None or acl is None or not acl.any_below(found[0].path):
        where = f"{req.path.split('/', 1)[0]}/"
        raise PermissionDenied(
            "preflight capability check returned 403, please ensure client's policies grant access to "
            f'path "{where}"'
        )
    return Response({**shown(found[0]), "path": found[0].path})


async def _session(ctx: Context) -> ACL | None:
    """The caller's ACL, or None without a valid token: these two paths answer both ways."""
    house = core(ctx)
    try:
        session = await house.tokens.session(ctx.request.token, ctx.request.remote)
    except PermissionDenied:
        return None
    return await house.policies.acl(transaction(ctx), session.entry.policies, ctx.now())


ROUTES = (
    Route(path="mounts", read=list_mounts, summary="List the mounted secrets engines."),
    Route(
        path="mounts/{path:path}/tune",
        read=read_tune_mount,
        write=tune_mount,
        summary="Settings of a mounted secrets engine.",
    ),
    Route(
        path="mounts/{path:path}",
        read=read_mount,
        write=enable_mount,
        delete=disable_mount,
        summary="Mount, describe or unmount a secrets engine.",
    ),
    Route(path="auth", read=list_auth, summary="List the mounted auth methods."),
    Route(
        path="auth/{path:path}/tune",
        read=read_tune_auth,
        write=tune_auth,
        sudo=True,
        summary="Settings of a mounted auth method.",
    ),
    Route(
        path="auth/{path:path}",
        read=read_auth,
        write=enable_auth,
        delete=disable_auth,
        sudo=True,
        summary="Mount, describe or unmount an auth method.",
    ),
    Route(path="remount", write=move, sudo=True, summary="Move a mount to another path."),
    Route(path="remount/status/{migration_id}", read=move_status, summary="How a move went."),
    Route(path="internal/ui/mounts", read=ui_mounts, open=True, summary="The mounts a caller may see."),
    Route(
        path="internal/ui/mounts/{path:path}",
        read=ui_mount,
        open=True,
        summary="The mount that a path belongs to, for any token with some right inside it.",
    ),
)
