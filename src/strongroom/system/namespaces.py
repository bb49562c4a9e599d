"""`sys/namespaces`: list, create, describe, patch, lock and delete what is below the request's namespace.

Source: OpenBao's API page /sys/namespaces. A deletion is a job: from its first moment nothing of the
namespace answers, then secrets and tokens are revoked, and rows deleted until none is left.
"""

import hmac
from hashlib import sha256
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from msgspec import Meta

from strongroom.barrier.view import View
from strongroom.core import mounts as table
from strongroom.core.bootstrap import PREFIX, SYSTEM_MOUNTS
from strongroom.core.namespaces import record
from strongroom.core.namespaces.areas import area
from strongroom.core.namespaces.record import Namespace
from strongroom.core.policy_store import Policies
from strongroom.core.token_format import random_text
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context, Fields, Nothing, Response, Route
from strongroom.system.house import core, realm, transaction
from strongroom.system.namespace_end import enqueue_end

Metadata = Annotated[
    dict[str, str | None] | None, Meta(description="Any texts, by name; in a patch null takes one away.")
]


class Named(Fields, frozen=True):
    """A namespace by its name, below the request's."""

    path: str


class Write(Named, frozen=True):
    """A namespace's metadata, all of it."""

    custom_metadata: Metadata = None
    seal: Annotated[
        dict[str, Any] | None, Meta(description="Refused: a namespace has no seal of its own.")
    ] = None


class Delete(Named, frozen=True):
    """A namespace to delete, with all that are below it if so asked."""

    recursive: Annotated[bool, Meta(description="Delete the namespaces below it, too.")] = False


class Lock(Fields, frozen=True):
    """A namespace by its path below the request's; without one, the request's own."""

    path: str = ""
    unlock_key: Annotated[str, Meta(description="What locking it answered; not needed with sudo.")] = ""


def shown(entry: Namespace) -> dict[str, Any]:
    """A namespace as the API describes it."""
    return {
        "custom_metadata": entry.custom_metadata,
        "id": entry.id,
        "locked": bool(entry.lock),
        "path": f"{entry.path}/",
        "tainted": entry.deleting,
        "uuid": entry.uuid,
    }


def _path(ctx: Context, name: str) -> str:
    return f"{realm(ctx).prefix}{record.checked_name(name)}"


async def _listing(ctx: Context, entries: list[Namespace]) -> Response:
    if not entries:
        raise NotFound
    cut = len(realm(ctx).prefix)
    named = {f"{entry.path[cut:]}/": shown(entry) for entry in entries}
    return Response({"key_info": named, "keys": sorted(named)})


async def list_children(ctx: Context, req: Nothing) -> Response:
    tx, space = transaction(ctx), realm(ctx)
    found = [await record.find(tx, f"{space.prefix}{name}") for name in await record.children(tx, space.path)]
    return await _listing(ctx, [entry for entry in found if entry is not None])


async def scan(ctx: Context, req: Nothing) -> Response:
    return await _listing(ctx, await record.below(transaction(ctx), realm(ctx).path))


async def read(ctx: Context, req: Named) -> Response:
    entry = await record.find(transaction(ctx), _path(ctx, req.path))
    if entry is None:
        raise NotFound
    return Response(shown(entry))


async def exists(ctx: Context, req: Named) -> bool:
    return await record.find(transaction(ctx), _path(ctx, req.path)) is not None


async def write(ctx: Context, req: Write) -> Response:
    path, tx = _path(ctx, req.path), transaction(ctx)
    if req.seal:
        raise InvalidRequest("a namespace has no seal of its own here: every one is under the server's")
    metadata = {name: text for name, text in (req.custom_metadata or {}).items() if text is not None}
    entry = await record.find(tx, path)
    if entry is None:
        return Response(shown(await _create(ctx, path, metadata)))
    return _replaced(ctx, entry, metadata)


async def _create(ctx: Context, path: str, metadata: dict[str, str]) -> Namespace:
    tx, space = transaction(ctx), realm(ctx)
    if path.count("/") >= record.DEEPEST:
        raise InvalidRequest(f"namespaces are at most {record.DEEPEST} deep")
    stored = await table.load(View(tx, f"{area(space.uuid)}{PREFIX}"))
    await record.refuse_mounts({**space.fixed, **stored}, path.removeprefix(space.prefix))
    entry = Namespace(path=path, id=random_text(6), uuid=str(uuid4()), custom_metadata=metadata)
    record.place(tx, entry)
    own = {
        mount.path: table.fresh(mount.path, mount.kind, description=mount.description, namespace=entry.uuid)
        for mount in SYSTEM_MOUNTS.values()
    }
    table.save(View(tx, f"{area(entry.uuid)}{PREFIX}"), own)
    Policies(area(entry.uuid), f"{path}/").install_defaults(tx)
    return entry


async def patch(ctx: Context, req: Write) -> Response:
    entry = await record.find(transaction(ctx), _path(ctx, req.path))
    if entry is None:
        raise InvalidRequest(record.GONE)
    merged = {**entry.custom_metadata, **(req.custom_metadata or {})}
    return _replaced(ctx, entry, {name: text for name, text in merged.items() if text is not None})


def _replaced(ctx: Context, entry: Namespace, metadata: dict[str, str]) -> Response:
    if entry.deleting:
        raise InvalidRequest(f"the namespace '{entry.path}/' is being deleted")
    changed = msgspec.structs.replace(entry, custom_metadata=metadata)
    record.view(transaction(ctx)).put(entry.path, changed)
    return Response(shown(changed))


async def delete(ctx: Context, req: Delete) -> Response:
    """Close a namespace at once, and have a job delete all that it holds."""
    tx, path = transaction(ctx), _path(ctx, req.path)
    entry = await record.find(tx, path)
    if entry is None:
        return Response(warnings=("requested namespace does not exist",))
    if not req.recursive and await record.children(tx, path):
        raise InvalidRequest(f"the namespace '{path}/' has namespaces below it: delete these first")
    record.view(tx).put(path, msgspec.structs.replace(entry, deleting=True))
    job = await enqueue_end(tx, entry, ctx.now())
    ctx.after_commit(lambda: core(ctx).namespaces.forget_below(path))
    return Response({"status": "in-progress", "job": job}, facts={"namespace": f"{path}/", "job": job})


async def _locked_place(ctx: Context, below: str) -> Namespace:
    """The namespace that is to be locked or unlocked. Raises InvalidRequest."""
    names = [record.checked_name(name) for name in below.split("/")] if below else []
    path = "/".join((realm(ctx).path, *names)).strip("/")
    entry = await record.find(transaction(ctx), path) if path else None
    if entry is None:
        raise InvalidRequest(record.GONE if path else "the root namespace cannot be locked")
    return entry


async def lock(ctx: Context, req: Lock) -> Response:
    """Have nothing of a namespace, or below it, answer until it is unlocked."""
    entry = await _locked_place(ctx, req.path)
    if entry.lock:
        raise InvalidRequest(f"the namespace '{entry.path}/' is locked already")
    key = random_text(24)
    return _turned(ctx, entry, _hash(key), Response({"unlock_key": key}))


async def unlock(ctx: Context, req: Lock) -> Response:
    """Open a namespace again: with the key that locking it gave, or by sudo."""
    entry = await _locked_place(ctx, req.path)
    if not entry.lock:
        raise InvalidRequest(f"the namespace '{entry.path}/' is not locked")
    if req.unlock_key:
        if not hmac.compare_digest(_hash(req.unlock_key), entry.lock):
            raise InvalidRequest("incorrect unlock key")
        return _turned(ctx, entry, "", Response())
    acl = await core(ctx).namespaces.acl(transaction(ctx), ctx.caller, ctx.now())
    granted = acl.capabilities(ctx.request.whole_path)
    if "root" not in granted and "sudo" not in granted:
        raise InvalidRequest("an unlock key is needed, or sudo")
    return _turned(ctx, entry, "", Response(warnings=("Namespace unlocked using sudo capabilities",)))


def _turned(ctx: Context, entry: Namespace, lock: str, response: Response) -> Response:
    record.view(transaction(ctx)).put(entry.path, msgspec.structs.replace(entry, lock=lock))
    ctx.after_commit(lambda: core(ctx).namespaces.forget_below(entry.path))
    response.facts = {"namespace": f"{entry.path}/"}
    return response


def _hash(key: str) -> str:
    """What is kept of an unlock key: it is 24 random characters, so a plain hash does."""
    return sha256(key.encode()).hexdigest()


async def visible(ctx: Context, req: Nothing) -> Response:
    """The namespaces below that the caller, who needs no right to ask, has some right in."""
    session = await core(ctx).tokens.session(ctx.request.token, ctx.request.remote)
    acl = await core(ctx).namespaces.acl(transaction(ctx), session.entry, ctx.now())
    cut = len(realm(ctx).prefix)
    entries = await record.below(transaction(ctx), realm(ctx).path)
    keys = [f"{entry.path[cut:]}/" for entry in entries if acl.any_below(f"{entry.path}/")]
    return Response({"keys": sorted(keys)})


ROUTES = (
    Route(path="namespaces/", list=list_children, scan=scan, summary="List the namespaces below this one."),
    Route(
        path="namespaces/api-lock/lock/{path:path}",
        write=lock,
        summary="Lock a namespace: nothing of it, or below it, answers.",
    ),
    Route(path="namespaces/api-lock/unlock/{path:path}", write=unlock, summary="Unlock a locked namespace."),
    Route(
        path="namespaces/{path:path}",
        read=read,
        write=write,
        patch=patch,
        delete=delete,
        exists=exists,
        summary="Create, describe, patch or delete a namespace.",
        description=(
            "A namespace has mounts, policies, tokens and leases of its own. Deleting one closes it at once; "
            "a job then revokes its tokens and secrets and deletes all that it holds."
        ),
    ),
    Route(
        path="internal/ui/namespaces",
        read=visible,
        open=True,
        summary="The namespaces that the caller has a right in.",
    ),
)
