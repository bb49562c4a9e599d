"""`sys/locked-users`: the login names that are closed after too many failures, and opening one again.

Source: Vault's API page /sys/locked-users. Names that no user has are counted, too, but not by
name (`framework/lockout`), so they are not listed; unlocking one opens it all the same.
"""

from typing import Annotated, Any

from msgspec import Meta

from strongroom.core.namespaces import record
from strongroom.core.namespaces.realm import Realm
from strongroom.framework import Context, Fields, Mount, Response, Route
from strongroom.framework.lockout import limits_of, locked_names, unlock
from strongroom.system.house import core, realm, transaction
from strongroom.system.mount_table import AUTH

ACCESSOR = "The accessor of the auth method."


class Listing(Fields, frozen=True):
    """Which auth method's names."""

    mount_accessor: Annotated[str, Meta(description=f"{ACCESSOR} Without one, all of them.")] = ""


class Unlock(Fields, frozen=True):
    """A name at an auth method."""

    mount_accessor: Annotated[str, Meta(description=ACCESSOR)]
    alias_identifier: Annotated[str, Meta(description="The login name, in any spelling.")]


async def list_locked(ctx: Context, req: Listing) -> Response:
    """Tell the closed names of this namespace and those below it by auth method, the fullest first."""
    spaces = [realm(ctx)]
    if not req.mount_accessor:
        below = await record.below(transaction(ctx), realm(ctx).path)
        spaces += [await core(ctx).namespaces.of(entry.uuid) for entry in below if not entry.deleting]
    found = [await _namespace(ctx, space, req.mount_accessor) for space in spaces]
    children = [one for one in found[1:] if one["counts"]]
    told = sorted([found[0], *children], key=lambda one: -int(one["counts"]))
    return Response({"by_namespace": told, "total": sum(one["counts"] for one in told)})


async def _namespace(ctx: Context, space: Realm, accessor: str) -> dict[str, Any]:
    methods = [await _method(ctx, mount) for mount in _mounts(space, accessor)]
    closed = sorted((one for one in methods if one["counts"]), key=lambda one: -int(one["counts"]))
    total = sum(one["counts"] for one in closed)
    if accessor and not closed:
        closed = [{"mount_accessor": accessor, "counts": 0, "alias_identifiers": None}]
    return {
        "namespace_id": space.namespace.id if space.namespace else "root",
        "namespace_path": space.prefix,
        "counts": total,
        "mount_accessors": closed,
    }


async def _method(ctx: Context, mount: Mount) -> dict[str, Any]:
    limits = limits_of(mount.config.user_lockout)
    names = await locked_names(_inside(ctx, mount).storage, limits, ctx.now())
    return {"mount_accessor": mount.accessor, "counts": len(names), "alias_identifiers": names}


async def unlock_name(ctx: Context, req: Unlock) -> Response:
    """Open the name; one that is not closed, or not there, stays as it is."""
    for mount in _mounts(realm(ctx), req.mount_accessor):
        for name in {req.alias_identifier, req.alias_identifier.lower()}:
            unlock(_inside(ctx, mount).storage, mount, name)
    return Response()


def _mounts(space: Realm, accessor: str) -> list[Mount]:
    methods = [mount for path, mount in sorted(space.mounts.items()) if path.startswith(AUTH)]
    return [mount for mount in methods if accessor in ("", mount.accessor)]


def _inside(ctx: Context, mount: Mount) -> Context:
    return core(ctx).context_for(transaction(ctx), mount, ctx)


ROUTES = (
    Route(path="locked-users", read=list_locked, summary="The login names that are closed."),
    Route(
        path="locked-users/{mount_accessor}/unlock/{alias_identifier}",
        write=unlock_name,
        summary="Open a login name again.",
        description=(
            "Names close after too many failed logins (see `user_lockout_config` of the auth method) and "
            "open by themselves after a while."
        ),
    ),
)
