"""`sys/internal/ui/mounts`: what clients ask before every kv command, with any token or none."""

from typing import Any

from strongroom.core.namespaces.realm import Realm
from strongroom.core.policies.acl import ACL
from strongroom.errors import PermissionDenied
from strongroom.framework import Context, Nothing, Operation, Request, Response, Route, checked_path
from strongroom.system.house import core, realm, transaction
from strongroom.system.mount_table import AUTH, Named, shown


async def ui_mounts(ctx: Context, req: Nothing) -> Response:
    session, inside = await _acl(ctx), realm(ctx).prefix
    seen: dict[str, dict[str, Any]] = {"auth": {}, "secret": {}}
    for path, mount in sorted(realm(ctx).mounts.items()):
        public = mount.config.listing_visibility == "unauth"
        if public or (session is not None and session.any_below(f"{inside}{path}")):
            auth = path.startswith(AUTH)
            brief = {"type": mount.kind, "description": mount.description, "options": mount.options or None}
            entry: dict[str, Any] = shown(mount) if session else brief
            seen["auth" if auth else "secret"][path.removeprefix(AUTH)] = entry
    return Response(seen)


async def ui_mount(ctx: Context, req: Named) -> Response:
    space, path = await _inside(ctx, req.path)
    found = space.router.mount_of(path + "/")
    acl = await _acl(ctx)
    if found is None or acl is None or not acl.any_below(f"{space.prefix}{found[0].path}"):
        where = f"{path.split('/', 1)[0]}/"
        raise PermissionDenied(
            "preflight capability check returned 403, please ensure client's policies grant access to "
            f'path "{where}"'
        )
    whole = f"{space.prefix}{found[0].path}".removeprefix(realm(ctx).prefix)
    return Response({**shown(found[0]), "path": whole})


async def _inside(ctx: Context, path: str) -> tuple[Realm, str]:
    """The namespace that a path is in, and the path inside it."""
    request = ctx.request
    asked = Request(Operation.READ, checked_path(path), request.id, namespace=request.namespace)
    target = await core(ctx).namespaces.aim(asked)
    return target.realm or realm(ctx), asked.path


async def _acl(ctx: Context) -> ACL | None:
    """The caller's ACL, or None without a valid token: these two paths answer both ways."""
    house = core(ctx)
    try:
        session = await house.tokens.session(ctx.request.token, ctx.request.remote)
    except PermissionDenied:
        return None
    return await house.namespaces.acl(transaction(ctx), session.entry, ctx.now())


ROUTES = (
    Route(path="internal/ui/mounts", read=ui_mounts, open=True, summary="The mounts a caller may see."),
    Route(
        path="internal/ui/mounts/{path:path}",
        read=ui_mount,
        open=True,
        summary="The mount that a path belongs to, for any token with some right inside it.",
    ),
)
