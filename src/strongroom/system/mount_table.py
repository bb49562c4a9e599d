"""The mount table as the API shows it, and how a handler changes it."""

from typing import Annotated, Any

from msgspec import Meta

from strongroom.core import mounts as table
from strongroom.core.namespaces.record import timed
from strongroom.errors import InvalidRequest
from strongroom.framework import Context, Fields, Mount, MountConfig
from strongroom.storage.contract import Conflict
from strongroom.system.house import core, own, realm, transaction

AUTH = "auth/"


class Named(Fields, frozen=True):
    """A mount's path."""

    path: Annotated[str, Meta(description="Where the mount is, without a leading slash.")]


def shown(mount: Mount) -> dict[str, Any]:
    """A mount as Vault describes it."""
    config: dict[str, Any] = {
        "default_lease_ttl": mount.config.default_lease_ttl,
        "force_no_cache": mount.config.force_no_cache,
        "max_lease_ttl": mount.config.max_lease_ttl,
    }
    if mount.path.startswith(AUTH):
        config["token_type"] = mount.config.token_type
    config.update(optional(mount.config))
    own = table.protected(mount.path)
    return {
        "accessor": mount.accessor,
        "config": config,
        **({} if own else {"deprecation_status": "supported"}),
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


def optional(config: MountConfig) -> dict[str, Any]:
    names = (
        "listing_visibility",
        "audit_non_hmac_request_keys",
        "audit_non_hmac_response_keys",
        "passthrough_request_headers",
        "allowed_response_headers",
    )
    return {name: value for name in names if (value := getattr(config, name))}


def find_mount(ctx: Context, path: str, area: str) -> Mount:
    """A mount by its path below `area` (`auth/` or nothing). Raises InvalidRequest."""
    full = area + table.normalised(path)
    mount = realm(ctx).mounts.get(full)
    if mount is None or full.startswith(AUTH) != (area == AUTH):
        kind = "auth" if area else "secret"
        raise InvalidRequest(f"No {kind} engine mount at {full.removeprefix(area)}")
    return mount


async def replace_table(ctx: Context, mounts: dict[str, Mount]) -> None:
    """Store a changed table; the router takes it when the transaction is durable.

    Raises Conflict when the table is no longer the one in memory, from which the change was made.
    """
    house, space = core(ctx), realm(ctx)
    stored = await table.load(own(ctx))
    if {**space.fixed, **stored} != space.mounts:
        house.namespaces.adopt(space, stored)
        raise Conflict(table.TABLE)
    table.save(own(ctx), mounts)
    if space.uuid:
        kept = any(engine.keeps_time for engine in map(space.router.engine_for, mounts.values()) if engine)
        timed(transaction(ctx), space.uuid, keeps_time=kept)
    ctx.after_commit(lambda: house.namespaces.adopt(space, mounts))
