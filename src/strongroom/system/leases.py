"""`sys/leases`: look up, renew, revoke, count and tidy leases; the older `sys/renew` and `sys/revoke` too.

Source: Vault's API page /sys/leases.
"""

from typing import Any

from strongroom.clock import rfc3339
from strongroom.core import leases, token_store
from strongroom.core.leases import LeaseEntry
from strongroom.core.namespaces.areas import namespace_of
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context, Fields, Lease, Mount, Nothing, Response, Route, Seconds
from strongroom.system.house import core, realm, transaction
from strongroom.system.tidy import tidy_leases


class OneLease(Fields, frozen=True):
    """A lease id, in the body or in the path."""

    lease_id: str = ""
    url_lease_id: str = ""
    sync: bool = False

    @property
    def name(self) -> str:
        """The id, wherever it stood."""
        found = self.lease_id or self.url_lease_id
        if not found:
            raise InvalidRequest("lease_id must be specified")
        return found


class RenewLease(OneLease, frozen=True):
    """A lease and by how many seconds to extend it, counted from now."""

    increment: Seconds = 0


class Below(Fields, frozen=True):
    """The start of lease ids."""

    prefix: str = ""
    sync: bool = True


class CountBy(Fields, frozen=True):
    """What to count: `irrevocable` leases or, by default, all."""

    type: str = ""
    include_child_namespaces: bool = True
    limit: int = 10_000


async def lookup(ctx: Context, req: OneLease) -> Response:
    entry = await leases.lookup(leases.view(transaction(ctx)), realm(ctx).lease(req.name))
    return Response(
        {
            "id": req.name,
            "issue_time": rfc3339(entry.issued),
            "expire_time": rfc3339(entry.expires) if entry.expires else None,
            "last_renewal": rfc3339(entry.last_renewal) if entry.last_renewal else None,
            "renewable": entry.renewable,
            "ttl": max(int(entry.expires - ctx.now()), 0),
        },
        doubled=True,
    )


async def list_below(ctx: Context, req: Below) -> Response:
    prefix = f"{req.prefix.rstrip('/')}/" if req.prefix else ""
    found = await leases.view(transaction(ctx)).list(f"id/{realm(ctx).lease(prefix)}")
    own = [name for name in found if prefix or not namespace_of(name)]
    if not own:
        raise NotFound
    return Response({"keys": own})


def _mount(ctx: Context, entry: LeaseEntry) -> Mount:
    mount = realm(ctx).mount(entry.mount)
    if mount is None:
        raise InvalidRequest("lease not found")
    return mount


async def renew(ctx: Context, req: RenewLease) -> Response:
    house, tx = core(ctx), transaction(ctx)
    expire = leases.view(tx)
    entry = await expire.find(f"id/{realm(ctx).lease(req.name)}", LeaseEntry)
    if entry is None:
        raise InvalidRequest("lease not found")
    mount = _mount(ctx, entry)
    if entry.is_token:
        return await _renew_token(ctx, entry, req, mount)
    leases.renewed(expire, entry, req.increment, mount, ctx.now())
    engine = house.router.engine_for(mount)
    if engine is not None:
        await engine.renew(house.context_for(tx, mount, ctx), entry.lease(), req.increment)
    return Response(lease=Lease(entry.ttl, 0, entry.renewable, {}, req.name))


async def _renew_token(ctx: Context, entry: LeaseEntry, req: RenewLease, mount: Mount) -> Response:
    house, tx = core(ctx), transaction(ctx)
    token = await token_store.find(tx, entry.token)
    if token is None or not token.renewable:
        raise InvalidRequest("lease is not renewable")
    ttl = await house.tokens.renew(tx, token, req.increment, mount)
    ctx.after_commit(lambda: house.tokens.forget(token.id))
    return Response(lease=Lease(ttl, 0, True, {}, req.name))


async def revoke(ctx: Context, req: OneLease) -> Response:
    name = realm(ctx).lease(req.name)
    found = await leases.view(transaction(ctx)).find(f"id/{name}", LeaseEntry)
    if found is not None:
        ctx.after_commit(lambda: core(ctx).expiry.revoke(name))
    return Response()


async def revoke_below(ctx: Context, req: Below) -> Response:
    left = await core(ctx).expiry.revoke_below(_prefix(ctx, req))
    if left:
        return Response(warnings=(f"{left} leases could not be revoked yet; they are tried again",))
    return Response()


async def force_below(ctx: Context, req: Below) -> Response:
    await core(ctx).expiry.revoke_below(_prefix(ctx, req), force=True)
    return Response()


def _prefix(ctx: Context, req: Below) -> str:
    if not req.prefix.strip("/"):
        raise InvalidRequest("a prefix must be specified")
    return realm(ctx).lease(req.prefix)


async def count(ctx: Context, req: CountBy) -> Response:
    counts: dict[str, int] = {}
    for entry in await _entries(ctx, irrevocable=req.type == "irrevocable"):
        mount = realm(ctx).mount(entry.mount)
        path = mount.path if mount else ""
        counts[path] = counts.get(path, 0) + 1
    return Response({"lease_count": sum(counts.values()), "counts": counts})


async def list_irrevocable(ctx: Context, req: CountBy) -> Response:
    found = await _entries(ctx, irrevocable=req.type == "irrevocable")
    shown: list[dict[str, Any]] = [
        {"lease_id": realm(ctx).named(entry.id), "attempts": entry.attempts, "error": entry.error}
        for entry in found[: req.limit]
    ]
    return Response({"lease_count": len(found), "leases": shown})


async def _entries(ctx: Context, *, irrevocable: bool) -> list[LeaseEntry]:
    expire = leases.view(transaction(ctx))
    found = []
    space = realm(ctx)
    for lease_id in await leases.below(expire, space.lease("")):
        if namespace_of(lease_id) != space.uuid:
            continue
        entry = await expire.find(f"id/{lease_id}", LeaseEntry)
        if entry is not None and (entry.irrevocable or not irrevocable):
            found.append(entry)
    return found


async def tidy(ctx: Context, req: Nothing) -> Response:
    removed = await tidy_leases(core(ctx))
    return Response(warnings=(f"Tidy operation finished: {removed} stale entries removed.",), status=202)


ROUTES = (
    Route(
        path="leases/lookup/{prefix:path}", list=list_below, sudo=True, summary="List lease ids below a path."
    ),
    Route(path="leases/lookup", write=lookup, summary="What is known of a lease."),
    Route(path="leases/count", read=count, sudo=True, summary="Count leases by mount."),
    Route(path="leases/tidy", write=tidy, sudo=True, summary="Remove entries that lead nowhere."),
    Route(path="leases/renew/{url_lease_id:path}", write=renew, summary="Extend a lease."),
    Route(path="renew/{url_lease_id:path}", write=renew, summary="Extend a lease (older path)."),
    Route(
        path="leases/revoke-force/{prefix:path}",
        write=force_below,
        sudo=True,
        summary="Drop leases below a path even where the secret cannot be revoked.",
    ),
    Route(
        path="leases/revoke-prefix/{prefix:path}",
        write=revoke_below,
        sudo=True,
        summary="Revoke every lease below a path.",
    ),
    Route(path="revoke-force/{prefix:path}", write=force_below, sudo=True, summary="Older path."),
    Route(path="revoke-prefix/{prefix:path}", write=revoke_below, sudo=True, summary="Older path."),
    Route(path="leases/revoke/{url_lease_id:path}", write=revoke, summary="Revoke a lease."),
    Route(path="revoke/{url_lease_id:path}", write=revoke, summary="Revoke a lease (older path)."),
    Route(path="leases", read=list_irrevocable, list=list_irrevocable, sudo=True, summary="List leases."),
)
