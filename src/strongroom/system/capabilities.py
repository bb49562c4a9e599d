"""`sys/capabilities`, `-self`, `-accessor`, and `sys/internal/ui/resultant-acl`.

Source: Vault's API page /sys/capabilities.
"""

from strongroom.core import token_store
from strongroom.core.token_entry import TokenEntry
from strongroom.errors import InvalidRequest, NotFound, PermissionDenied
from strongroom.framework import Caller, CommaList, Context, Fields, Nothing, Response, Route
from strongroom.sensitive import Sensitive
from strongroom.system.house import core, realm, transaction


class Asked(Fields, frozen=True):
    """Which paths, and whose capabilities: by token, by accessor, or the caller's own."""

    paths: CommaList = ()
    path: CommaList = ()
    token: str = ""
    accessor: str = ""


async def of_self(ctx: Context, req: Asked) -> Response:
    return await _answer(ctx, req, ctx.caller)


async def of_token(ctx: Context, req: Asked) -> Response:
    if not req.token:
        raise InvalidRequest("missing token")
    try:
        session = await core(ctx).tokens.session(Sensitive(req.token), ctx.request.remote)
    except PermissionDenied:
        raise InvalidRequest("invalid token") from None
    return await _answer(ctx, req, session.entry)


async def of_accessor(ctx: Context, req: Asked) -> Response:
    if not req.accessor:
        raise InvalidRequest("missing accessor")
    house = core(ctx)
    try:
        entry: TokenEntry = await token_store.by_accessor(
            transaction(ctx), house.tokens.keys.token_id, req.accessor, realm(ctx).uuid
        )
    except NotFound:
        raise InvalidRequest("invalid accessor") from None
    return await _answer(ctx, req, entry)


async def _answer(ctx: Context, req: Asked, holder: Caller | TokenEntry) -> Response:
    paths = req.paths or req.path
    if not paths:
        raise InvalidRequest("paths must be supplied")
    acl, inside = await core(ctx).namespaces.acl(transaction(ctx), holder, ctx.now()), realm(ctx).prefix
    found: dict[str, object] = {path: acl.capabilities(f"{inside}{path}") for path in paths}
    if len(paths) == 1:
        found["capabilities"] = found[paths[0]]
    return Response(found, doubled=True)


async def resultant(ctx: Context, req: Nothing) -> Response:
    return Response({"root": ctx.caller.root, "policies": ctx.caller.policies})


ROUTES = (
    Route(path="capabilities", write=of_token, summary="What a token may do on paths."),
    Route(path="capabilities-self", write=of_self, summary="What the caller may do on paths."),
    Route(path="capabilities-accessor", write=of_accessor, summary="What an accessor's token may do."),
    Route(path="internal/ui/resultant-acl", read=resultant, summary="The caller's policies."),
)
