"""`sys/config`: cross-origin requests. Source: Vault's API page /sys/config/cors."""

from typing import Any

from msgspec import Struct

from strongroom.core.bootstrap import view
from strongroom.core.core import Core
from strongroom.errors import InvalidRequest
from strongroom.framework import CommaList, Context, Fields, Nothing, Response, Route
from strongroom.system.house import core, own

CORS = "cors"


class Cors(Struct, frozen=True):
    """Which origins and headers browsers are told are allowed."""

    enabled: bool = False
    allowed_origins: tuple[str, ...] = ()
    allowed_headers: tuple[str, ...] = ()


class WriteCors(Fields, frozen=True):
    """Which origins to allow, `*` for any, and which headers besides the usual."""

    enable: bool = True
    allowed_origins: CommaList = ()
    allowed_headers: CommaList = ()


async def load_cors(house: Core) -> None:
    """Take the stored settings; called at unseal."""
    house.services[CORS] = await view(house.barrier.begin()).find(CORS, Cors) or Cors()


async def read(ctx: Context, req: Nothing) -> Response:
    settings = await own(ctx).find(CORS, Cors) or Cors()
    body: dict[str, Any] = {"enabled": settings.enabled}
    if settings.enabled:
        body["allowed_origins"] = settings.allowed_origins
        body["allowed_headers"] = settings.allowed_headers
    return Response(body, doubled=True)


async def write(ctx: Context, req: WriteCors) -> Response:
    if not req.allowed_origins:
        raise InvalidRequest("at least one origin or the wildcard must be provided")
    if "*" in req.allowed_origins and len(req.allowed_origins) > 1:
        raise InvalidRequest("to allow all origins the '*' must be the only value for allowed_origins")
    return _take(ctx, Cors(req.enable, req.allowed_origins, req.allowed_headers))


async def delete(ctx: Context, req: Nothing) -> Response:
    return _take(ctx, Cors())


def _take(ctx: Context, settings: Cors) -> Response:
    own(ctx).put(CORS, settings)
    ctx.after_commit(lambda: core(ctx).services.update({CORS: settings}))
    return Response()


ROUTES = (
    Route(
        path="config/cors",
        read=read,
        write=write,
        delete=delete,
        sudo=True,
        summary="Cross-origin requests: which origins and headers are allowed.",
    ),
)
