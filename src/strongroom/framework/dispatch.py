"""From a request and a route to the handler's answer."""

from dataclasses import dataclass, field

from strongroom.errors import UnsupportedOperation
from strongroom.framework.context import Context
from strongroom.framework.engine import Bound, Engine, Route
from strongroom.framework.request import Operation
from strongroom.framework.response import Response
from strongroom.framework.wire import Fields


@dataclass(frozen=True, slots=True)
class Found:
    """What an engine's table says of a path.

    `route` is None when nothing matches; `unsupported` when a route matches but
    none answers the operation. Neither is an error until the caller may know.
    `ready` is the request struct of a request without fields, once one has come.
    """

    route: Route | None = None
    captures: dict[str, str] = field(default_factory=dict)
    unsupported: bool = False
    ready: list[Fields] = field(default_factory=list, compare=False)


def find(engine: Engine, path: str, operation: Operation) -> Found:
    """Look `path` (relative to the mount) up in the engine's table."""
    try:
        match = engine.find(path, operation)
    except UnsupportedOperation:
        return Found(unsupported=True)
    return Found(*match) if match else Found()


async def exists(found: Found, ctx: Context) -> bool | None:
    """Whether the target of a write is there: None when the route cannot tell."""
    if found.route is None or found.route.exists_bound is None:
        return None
    bound = found.route.exists_bound
    return bool(await bound.handler(ctx, bound.decode({**ctx.request.fields, **found.captures})))


async def dispatch(found: Found, ctx: Context) -> Response:
    """Decode the request struct and call the handler; path captures win over the body.

    Raises UnsupportedOperation when the route does not answer the operation.
    """
    if found.route is None:
        raise UnsupportedOperation("unsupported operation")
    bound: Bound = found.route.bound[ctx.request.operation]
    fields = ctx.request.fields
    if fields:
        return await bound.handler(ctx, bound.decode({**fields, **found.captures}))
    if not found.ready:
        found.ready.append(bound.decode(found.captures))
    return await bound.handler(ctx, found.ready[0])
