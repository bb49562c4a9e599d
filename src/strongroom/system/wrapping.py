"""`sys/wrapping`: wrap, unwrap, look up, rewrap.

Source: Vault's API pages /sys/wrapping-*.
"""

from typing import Any

from strongroom.clock import rfc3339
from strongroom.core import wrapping
from strongroom.errors import InvalidRequest, PermissionDenied
from strongroom.framework import Context, Fields, Nothing, Raw, Response, Route
from strongroom.system.house import core, transaction


class Spent(Fields, frozen=True):
    """The wrapping token, in the body; else it is the request's own token."""

    token: str = ""


async def wrap(ctx: Context, req: Nothing) -> Response:
    if not ctx.request.wrap_ttl:
        raise InvalidRequest("endpoint requires response wrapping to be used")
    data: dict[str, Any] = dict(ctx.request.fields)
    return Response(data)


def _token(ctx: Context, req: Spent) -> str:
    if req.token:
        return req.token
    if ctx.request.token is None:
        raise PermissionDenied("permission denied")
    return ctx.request.token.reveal()


async def _taken(ctx: Context, req: Spent) -> wrapping.Wrapped:
    """What the token stands for, which is then used up. Raises when its namespace is closed."""
    house = core(ctx)
    kept = await wrapping.take(transaction(ctx), house.tokens, _token(ctx, req), ctx.now())
    await house.namespaces.check_open(kept.namespace)
    return kept


async def unwrap(ctx: Context, req: Spent) -> Response:
    kept = await _taken(ctx, req)
    return Response(raw=Raw("application/json", kept.body), facts={"creation_path": kept.path})


async def lookup(ctx: Context, req: Spent) -> Response:
    kept = await wrapping.look(transaction(ctx), core(ctx).tokens, _token(ctx, req), ctx.now())
    await core(ctx).namespaces.check_open(kept.namespace)
    return Response(
        {
            "creation_path": kept.path,
            "creation_time": rfc3339(kept.created),
            "creation_ttl": kept.ttl,
        }
    )


async def rewrap(ctx: Context, req: Spent) -> Response:
    house, tx = core(ctx), transaction(ctx)
    fresh = wrapping.renewed(await _taken(ctx, req), ctx.now())
    return wrapping.keep(tx, house.tokens, fresh)


ROUTES = (
    Route(path="wrapping/wrap", write=wrap, summary="Wrap the fields sent behind a token of one use."),
    Route(
        path="wrapping/unwrap",
        write=unwrap,
        open=True,
        summary="Use a wrapping token: answer with what it stands for, once.",
    ),
    Route(
        path="wrapping/lookup",
        read=lookup,
        write=lookup,
        open=True,
        summary="What a wrapping token stands for, without using it.",
    ),
    Route(
        path="wrapping/rewrap",
        write=rewrap,
        open=True,
        summary="Exchange a wrapping token for a fresh one of the same life.",
    ),
)
