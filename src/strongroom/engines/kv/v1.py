"""The plain key-value engine (version 1): one value per path, no history.

API: Vault's `kv` secrets engine, version 1. Values lie at `data/<path>`, as the JSON text sent.
"""

import math

import msgspec
from msgspec import Raw

from strongroom.engines.kv.merge import members
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context, Engine, Fields, Response, Route
from strongroom.framework.wire import seconds

DEFAULT_TTL = 32 * 24 * 3600
PAGE = 1000


class At(Fields, frozen=True):
    """A secret's path."""

    path: str = ""


class Page(Fields, frozen=True):
    """A folder, and the page of it that is wanted; a `limit` of 0 or less is all."""

    path: str = ""
    after: str = ""
    limit: int = 0


async def exists(ctx: Context, req: At) -> bool:
    """Whether a write updates."""
    return await ctx.storage.find_bytes(f"data/{req.path}") is not None


async def read(ctx: Context, req: At) -> Response:
    """Give out the value; its `ttl` member, if any, becomes the hint when to read again."""
    text = await ctx.storage.find_bytes(f"data/{req.path}")
    if text is None:
        raise NotFound
    values = members(text)
    ttl = _hint(values) or ctx.mount.config.default_lease_ttl or DEFAULT_TTL
    return Response(values, ttl=ttl, good_until=math.inf)


async def write(ctx: Context, req: At) -> Response:
    """Store the body as the value."""
    if not req.path or ctx.request.path.endswith("/"):
        raise InvalidRequest("cannot write to a path ending in '/'")
    text = ctx.request.body.strip()
    if not text or not members(text):
        raise InvalidRequest("missing data fields")
    ctx.storage.put_bytes(f"data/{req.path}", text)
    return Response()


async def delete(ctx: Context, req: At) -> Response:
    """Remove the value."""
    ctx.storage.delete(f"data/{req.path}")
    return Response()


async def list_folder(ctx: Context, req: Page) -> Response:
    """List a folder's secrets, and its folders with a slash."""
    keys = await ctx.storage.list(_folder(req.path), req.after, max(req.limit, 0))
    if not keys:
        raise NotFound
    return Response({"keys": keys})


async def scan_folder(ctx: Context, req: Page) -> Response:
    """List everything below a folder, as paths from it."""
    folder = _folder(req.path)
    found: list[str] = []
    after = folder + req.after if req.after else ""
    while True:
        size = min(PAGE, req.limit - len(found)) if req.limit > 0 else PAGE
        keys = await ctx.storage.keys(folder, after, size) if size else []
        found += [key.removeprefix(folder) for key in keys]
        if not keys or len(keys) < size:
            return Response({"keys": found} if found else {})
        after = keys[-1]


def _hint(values: dict[str, Raw]) -> int:
    """The seconds in a `ttl` or `lease` member; 0 when there is none that reads as a duration."""
    text = values.get("ttl") or values.get("lease")
    if text is None:
        return 0
    try:
        return seconds(msgspec.json.decode(text))
    except InvalidRequest:
        return 0


def _folder(path: str) -> str:
    return f"data/{path}/" if path else "data/"


class KV1(Engine):
    """Secrets without versions."""

    kind = "kv"
    summary = "Secrets, one value per path"
    routes = (
        Route(
            path="{path:path}",
            read=read,
            write=write,
            delete=delete,
            list=list_folder,
            scan=scan_folder,
            exists=exists,
            summary="A secret, or a folder's listing",
        ),
    )
