"""Cubbyhole: a private place of each token, gone with it.

API: Vault's `cubbyhole`. Values lie in the caller's own part of storage, which no
other token can name; wrapping keeps what it wraps there too.
"""

import msgspec
from msgspec import Raw

from strongroom.barrier.view import View
from strongroom.errors import InvalidRequest, NotFound, PermissionDenied
from strongroom.framework import Context, Engine, Fields, Response, Route

_members = msgspec.json.Decoder(dict[str, Raw])


class At(Fields, frozen=True):
    """A path in the caller's own place."""

    path: str = ""


class Page(Fields, frozen=True):
    """A folder, and the page of it that is wanted; a `limit` of 0 or less is all."""

    path: str = ""
    after: str = ""
    limit: int = 0


def _own(ctx: Context) -> View:
    """The caller's own place. Raises for who has none: strangers, and batch tokens, which no entry ends."""
    if not ctx.caller.id:
        raise PermissionDenied("a cubbyhole belongs to a token")
    if not ctx.caller.accessor:
        raise InvalidRequest("cubbyhole operations are only supported by 'service' type tokens")
    return ctx.personal


async def exists(ctx: Context, req: At) -> bool:
    """Whether a write updates."""
    return await ctx.personal.find_bytes(req.path) is not None


async def read(ctx: Context, req: At) -> Response:
    """Give out what this token stored there."""
    text = await _own(ctx).find_bytes(req.path) if req.path else None
    if text is None:
        raise NotFound
    return Response(_members.decode(text))


async def write(ctx: Context, req: At) -> Response:
    """Store the body as the value."""
    place = _own(ctx)
    if not req.path or ctx.request.path.endswith("/"):
        raise InvalidRequest("cannot write to a path ending in '/'")
    text = ctx.request.body.strip()
    if not text or not _members.decode(text):
        raise InvalidRequest("missing data fields")
    place.put_bytes(req.path, text)
    return Response()


async def delete(ctx: Context, req: At) -> Response:
    """Remove the value."""
    place = _own(ctx)
    if req.path:
        place.delete(req.path)
    return Response()


async def list_folder(ctx: Context, req: Page) -> Response:
    """List a folder of the caller's own place."""
    keys = await _own(ctx).list(f"{req.path}/" if req.path else "", req.after, max(req.limit, 0))
    if not keys:
        raise NotFound
    return Response({"keys": keys})


class Cubbyhole(Engine):
    """Private storage per token."""

    kind = "cubbyhole"
    summary = "Private storage of each token"
    routes = (
        Route(
            path="{path:path}",
            read=read,
            write=write,
            delete=delete,
            list=list_folder,
            exists=exists,
            summary="A value only this token can read",
        ),
    )
