"""The listings: which secrets are unused, expiring, without owner, kept twice or too old; who leaves."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from msgspec import Meta

from strongroom.clock import rfc3339
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import CommaList, Context, Fields, Nothing, Operation, Response
from strongroom.framework.path import CanonicalPath
from strongroom.inventory import catalog, house, secrets
from strongroom.inventory.catalog import Entry
from strongroom.inventory.exchange import live
from strongroom.inventory.fingerprints import Value
from strongroom.inventory.usage import Identity, Reader, Usage

DAY = 86400.0
PAGE = 1000
DEFAULT_DAYS = {"unused": 90, "expiring": 30, "ownerless": 0, "over-age": 365}
Days = Annotated[int, Meta(ge=0, le=36500)]


class Listing(Fields, frozen=True):
    """Which listing, and the page of it: after a path, at most so many."""

    name: Literal["unused", "expiring", "ownerless", "over-age", "all"]
    days: Days | None = None
    after: str = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 100


class Page(Fields, frozen=True):
    """A page of the values held twice."""

    after: str = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 100


class Secret(Fields, frozen=True):
    """A secret by its whole path, the mount's included."""

    path: str


class Who(Fields, frozen=True):
    """An identity as `readers` names it."""

    identity: str


class MountFacts(Fields, frozen=True):
    """The custom metadata that a mount wants for each secret."""

    path: str
    required: CommaList = ()


async def listing(ctx: Context, req: Listing) -> Response:
    """The secrets a listing holds."""
    await house.desk(ctx).flush()
    now = ctx.now()
    days = DEFAULT_DAYS.get(req.name, 0) if req.days is None else req.days
    belongs = _rule(req.name, now, days * DAY)
    found: list[Entry] = []
    async for entry in catalog.every(house.glance(ctx), house.key_value_mounts(ctx), req.after):
        if belongs(entry):
            found.append(entry)
            if len(found) == req.limit:
                break
    more = found[-1].path if len(found) == req.limit else ""
    return Response({"secrets": [entry.shown(now) for entry in found], "next": more})


def _rule(name: str, now: float, span: float) -> Callable[[Entry], bool]:
    rules: dict[str, Callable[[Entry], bool]] = {
        "all": lambda entry: True,
        "unused": lambda entry: max(entry.usage.last, entry.rotated) < now - span,
        "expiring": lambda entry: 0 < entry.expires <= now + span,
        "ownerless": lambda entry: not entry.facts.get("owner"),
        "over-age": lambda entry: (
            0 < entry.rotated < now - (min(span, entry.lifespan) if entry.lifespan else span)
        ),
    }
    return rules[name]


async def duplicates(ctx: Context, req: Page) -> Response:
    """Values that more than one secret holds, named by where they are."""
    await house.desk(ctx).settled()
    view = house.own(ctx)
    groups: list[dict[str, Any]] = []
    after = f"value/{req.after}" if req.after else ""
    while keys := await view.keys("value/", after, PAGE):
        for key in keys:
            value = await view.get(key, Value)
            held = (
                [await live(ctx, *owner) for owner in value.owners.items()] if len(value.owners) > 1 else []
            )
            held = [references for references in held if references]
            if len(held) > 1:
                id = key.removeprefix("value/")
                places = sorted(one for references in held for one in references)
                groups.append({"id": id, "held_as": [one.shown for one in places]})
                if len(groups) == req.limit:
                    return Response({"duplicates": groups, "next": id})
        after = keys[-1]
    return Response({"duplicates": groups, "next": ""})


async def show(ctx: Context, req: Secret) -> Response:
    """All that is known of one secret."""
    await house.desk(ctx).flush()
    mount, path = house.mount_of(ctx, req.path)
    found = await catalog.entry(house.glance(ctx), mount, path)
    if found is None:
        raise NotFound
    readers = {name: _reader(reader) for name, reader in found.usage.readers.items()}
    return Response({**found.shown(ctx.now()), "readers": readers})


def _reader(reader: Reader) -> dict[str, Any]:
    return {
        "first_read": rfc3339(reader.first),
        "last_read": rfc3339(reader.last),
        "reads": reader.count,
        "versions": {str(number): rfc3339(at) for number, at in sorted(reader.versions.items())},
    }


async def list_readers(ctx: Context, req: Page) -> Response:
    """Every identity that was seen reading."""
    await house.desk(ctx).flush()
    keys = await house.own(ctx).keys("identity/", f"identity/{req.after}" if req.after else "", req.limit)
    if not keys:
        raise NotFound
    return Response({"keys": [key.removeprefix("identity/") for key in keys]})


async def leaver(ctx: Context, req: Who) -> Response:
    """What someone who leaves has read or could read, and which of it is still what they read."""
    await house.desk(ctx).flush()
    view, tx = house.own(ctx), house.glance(ctx)
    identity = await view.find(f"identity/{req.identity}", Identity)
    if identity is None:
        raise NotFound(f"nobody called '{req.identity}' was seen reading")
    acl = await house.core(ctx).policies.acl(tx, identity.policies, ctx.now())
    rows: list[dict[str, Any]] = []
    for mount in house.key_value_mounts(ctx):
        area = "data/" if secrets.versioned(mount) else ""
        async for path in secrets.every(tx, mount):
            usage = await view.find(f"usage/{mount.uuid}/{path}", Usage) or Usage()
            reader = usage.readers.get(req.identity)
            target = CanonicalPath(f"{mount.path}{area}{path}")
            allowed = acl.check(target, Operation.READ, exists=True, fields=dict).allowed
            if reader or allowed:
                entry = await catalog.entry(tx, mount, path)
                rows.append(_left(entry, reader, allowed=allowed) if entry else {})
    return Response(
        {"identity": req.identity, "policies": identity.policies, "last_seen": rfc3339(identity.last),
         "secrets": [row for row in rows if row]}
    )  # fmt: skip


def _left(entry: Entry, reader: Reader | None, *, allowed: bool) -> dict[str, Any]:
    """One secret as the leaver's list shows it: to be rotated when the current version was read."""
    current = reader is not None and (
        entry.version in reader.versions or (entry.version == 0 and bool(reader.versions))
    )
    return {
        "path": entry.path,
        "owner": entry.facts.get("owner", ""),
        "could_read": allowed,
        "reads": reader.count if reader else 0,
        "last_read": rfc3339(reader.last) if reader else None,
        "rotate": current,
    }


async def read_mount(ctx: Context, req: MountFacts) -> Response:
    """Which facts a mount wants."""
    mount = house.mount_at(ctx, req.path)
    return Response({"required": list(await house.desk(ctx).required(house.transaction(ctx), mount))})


async def write_mount(ctx: Context, req: MountFacts) -> Response:
    """Want these facts of each secret from now on: writes without them are refused."""
    mount, desk = house.mount_at(ctx, req.path), house.desk(ctx)
    unknown = set(req.required) - set(catalog.FACTS)
    if unknown:
        raise InvalidRequest(f"field 'required': facts are {', '.join(catalog.FACTS)}")
    if req.required and not secrets.versioned(mount):
        raise InvalidRequest(f"'{mount.path}' has no metadata: version 2 of the engine has")
    await desk.require(house.transaction(ctx), mount, req.required)
    return Response()


async def all_facts(ctx: Context, req: Nothing) -> Response:
    """The custom metadata keys that the inventory reads."""
    return Response({"facts": list(catalog.FACTS)})
