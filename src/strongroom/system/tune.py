"""`sys/mounts/{path}/tune` and `sys/auth/{path}/tune`. Source: Vault's API page /sys/mounts."""

from typing import Any

import msgspec

from strongroom.core import mounts as table
from strongroom.core.tokens import mount_ttls
from strongroom.errors import InvalidRequest
from strongroom.framework import (
    CommaList,
    Context,
    Fields,
    Mount,
    MountConfig,
    Pairs,
    Response,
    Route,
    Seconds,
)
from strongroom.framework.wire import converters
from strongroom.system.house import own
from strongroom.system.mount_table import AUTH, Named, find_mount, optional, replace_table


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


LENIENT = converters(Tuning)


class Tune(Tuning, frozen=True, kw_only=True):
    """New settings of a mount."""

    path: str
    description: str | None = None
    options: Pairs | None = None


def configured(config: MountConfig, tuning: Tuning) -> MountConfig:
    """The settings with what `tuning` names. Raises InvalidRequest for contradictions."""
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
    mount = find_mount(ctx, req.path, area)
    current = await table.load(own(ctx))
    changes: dict[str, Any] = {"config": configured(mount.config, req)}
    if req.description is not None:
        changes["description"] = req.description
    if req.options is not None:
        changes["options"] = mount.options | req.options
        if mount.options.get("version") == "2" and changes["options"].get("version") != "2":
            raise InvalidRequest("cannot downgrade mount from version 2")
    await replace_table(ctx, {**current, mount.path: msgspec.structs.replace(mount, **changes)})
    return Response()


async def read_tune_mount(ctx: Context, req: Named) -> Response:
    return _tuned(find_mount(ctx, req.path, ""))


async def read_tune_auth(ctx: Context, req: Named) -> Response:
    return _tuned(find_mount(ctx, req.path, AUTH))


def _tuned(mount: Mount) -> Response:
    default, maximum = mount_ttls(mount)
    body: dict[str, Any] = {
        "default_lease_ttl": default,
        "description": mount.description,
        "force_no_cache": mount.config.force_no_cache,
        "max_lease_ttl": maximum,
        **optional(mount.config),
    }
    if mount.options:
        body["options"] = mount.options
    if mount.path.startswith(AUTH):
        body["token_type"] = mount.config.token_type
    if mount.config.user_lockout:
        body["user_lockout_config"] = mount.config.user_lockout
    return Response(body, doubled=True)


ROUTES = (
    Route(
        path="mounts/auth/{path:path}/tune",
        read=read_tune_auth,
        write=tune_auth,
        sudo=True,
        summary="Settings of a mounted auth method.",
    ),
    Route(
        path="mounts/{path:path}/tune",
        read=read_tune_mount,
        write=tune_mount,
        summary="Settings of a mounted secrets engine.",
    ),
    Route(
        path="auth/{path:path}/tune",
        read=read_tune_auth,
        write=tune_auth,
        sudo=True,
        summary="Settings of a mounted auth method.",
    ),
)
