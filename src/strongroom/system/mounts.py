"""`sys/mounts`, `sys/auth` and `sys/remount`: mounting, moving, unmounting.

Source: Vault's API pages /sys/mounts, /sys/auth, /sys/remount; bodies as OpenBao sends them.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from msgspec import Meta

from strongroom.core import mounts as table
from strongroom.core.namespaces.realm import Realm
from strongroom.core.namespaces.record import refuse_taken
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context, Fields, Mount, MountConfig, Nothing, Pairs, Response, Route
from strongroom.framework.wire import decode
from strongroom.system.house import core, own, realm, transaction
from strongroom.system.mount_end import end_mount
from strongroom.system.mount_table import AUTH, Named, find_mount, replace_table, shown
from strongroom.system.tune import LENIENT, Tuning, configured


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


class Move(Fields, frozen=True, rename={"source": "from", "target": "to"}):
    """From one path to another; both with or without the trailing slash."""

    source: Annotated[str, Meta(description="Present path.")]
    target: Annotated[str, Meta(description="New path.")]


class Migration(Fields, frozen=True):
    """A finished or running move."""

    migration_id: str


def _listing(space: Realm, *, auth: bool) -> dict[str, Any]:
    area = AUTH if auth else ""
    return {
        path[len(area) :]: shown(mount)
        for path, mount in sorted(space.mounts.items())
        if path.startswith(AUTH) == auth
    }


async def list_mounts(ctx: Context, req: Nothing) -> Response:
    return Response(_listing(realm(ctx), auth=False), doubled=True)


async def list_auth(ctx: Context, req: Nothing) -> Response:
    return Response(_listing(realm(ctx), auth=True), doubled=True)


async def read_mount(ctx: Context, req: Named) -> Response:
    return Response(shown(find_mount(ctx, req.path, "")), doubled=True)


async def read_auth(ctx: Context, req: Named) -> Response:
    return Response(shown(find_mount(ctx, req.path, AUTH)), doubled=True)


async def enable_mount(ctx: Context, req: Enable) -> Response:
    return await _enable(ctx, req, "")


async def enable_auth(ctx: Context, req: Enable) -> Response:
    return await _enable(ctx, req, AUTH)


async def _enable(ctx: Context, req: Enable, area: str) -> Response:
    house = core(ctx)
    mount = await _new_mount(ctx, req, area)
    await house.engines[area + mount.kind].mounted(house.context_for(transaction(ctx), mount, ctx))
    current = await table.load(own(ctx))
    await replace_table(ctx, {**current, mount.path: mount})
    return Response()


async def _new_mount(ctx: Context, req: Enable, area: str) -> Mount:
    """The entry that a request describes. Raises InvalidRequest when it cannot be mounted."""
    kind, options = req.plugin_name or req.type, dict(req.options or {})
    if kind == "kv-v2":
        kind, options = "kv", {"version": "2", **options}
    engine = core(ctx).engines.get(area + kind)
    if engine is None or engine.trusted:
        raise InvalidRequest(f"plugin not found in the catalog: {kind}")
    path = area + table.normalised(req.path)
    if not area and path.startswith(AUTH):
        raise InvalidRequest(f"cannot mount '{path}': auth methods are enabled through sys/auth")
    await _place(ctx, await table.load(own(ctx)), path)
    if engine.versions:
        options = {**engine.default_options, **options}
        if options.get("version") not in engine.versions:
            known = ", ".join(sorted(engine.versions))
            raise InvalidRequest(f"unknown version of {kind}; there are: {known}")
    return table.fresh(
        path,
        kind,
        description=req.description,
        options=options,
        config=configured(MountConfig(), decode(Tuning, req.config or {}, LENIENT)),
        local=req.local,
        seal_wrap=req.seal_wrap,
        external_entropy_access=req.external_entropy_access,
        namespace=realm(ctx).uuid,
    )


async def _place(ctx: Context, mounts: Mapping[str, Mount], path: str) -> None:
    """Check that `path` can be mounted. Raises InvalidRequest."""
    table.place(mounts, path)
    await refuse_taken(transaction(ctx), realm(ctx).prefix, path)


async def disable_mount(ctx: Context, req: Named) -> Response:
    return await _disable(ctx, req.path, "")


async def disable_auth(ctx: Context, req: Named) -> Response:
    return await _disable(ctx, req.path, AUTH)


async def _disable(ctx: Context, path: str, area: str) -> Response:
    full = area + table.normalised(path)
    if table.protected(full):
        raise InvalidRequest(f"cannot unmount '{full}'")
    if full in realm(ctx).mounts:
        ctx.after_commit(lambda: end_mount(core(ctx), realm(ctx), full))
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
    await _place(ctx, rest, target)
    moved = msgspec.structs.replace(mount, path=target)
    await replace_table(ctx, {**rest, target: moved})
    migration = str(uuid4())
    own(ctx).put(f"migration/{migration}", Moved(source, target))
    return Response({"migration_id": migration}, doubled=True)


class Moved(msgspec.Struct, frozen=True):
    """A move that is done: moving renames the entry, so it is never under way."""

    source: str
    target: str


async def move_status(ctx: Context, req: Migration) -> Response:
    moved = await own(ctx).find(f"migration/{req.migration_id}", Moved)
    if moved is None:
        raise NotFound
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


ROUTES = (
    Route(path="mounts", read=list_mounts, summary="List the mounted secrets engines."),
    Route(
        path="mounts/{path:path}",
        read=read_mount,
        write=enable_mount,
        delete=disable_mount,
        summary="Mount, describe or unmount a secrets engine.",
        description=(
            "Mounting makes an empty engine. Unmounting revokes its leases and deletes all that it holds."
        ),
    ),
    Route(path="auth", read=list_auth, summary="List the mounted auth methods."),
    Route(
        path="auth/{path:path}",
        read=read_auth,
        write=enable_auth,
        delete=disable_auth,
        sudo=True,
        summary="Mount, describe or unmount an auth method.",
        description="Unmounting revokes every token that its logins made and deletes all that it holds.",
    ),
    Route(path="remount", write=move, sudo=True, summary="Move a mount to another path."),
    Route(path="remount/status/{migration_id}", read=move_status, summary="How a move went."),
)
