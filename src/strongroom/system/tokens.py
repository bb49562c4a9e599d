"""The token auth method at `auth/token/`. Source: Vault's API page /auth/token."""

from strongroom.core import token_store
from strongroom.core.token_entry import TokenEntry
from strongroom.errors import InvalidRequest, NotFound, PermissionDenied
from strongroom.framework import Auth, Context, Engine, Nothing, Response, Route
from strongroom.sensitive import Sensitive
from strongroom.system import token_roles
from strongroom.system.house import core, realm, transaction
from strongroom.system.tidy import tidy_tokens
from strongroom.system.token_create import create, create_by_role, create_orphan
from strongroom.system.token_requests import Increment, WithAccessor, WithToken, shown


async def _by_text(ctx: Context, text: str) -> TokenEntry:
    """A valid token by its text, read in this transaction. Raises PermissionDenied `bad token`.

    The caller's own was checked at the door; its last use may be this one.
    """
    house = core(ctx)
    if house.tokens.id_of(text) == ctx.caller.id:
        own = await house.tokens.stored(transaction(ctx), ctx.caller.id)
        if own is not None:
            return own
    try:
        session = await house.tokens.session(Sensitive(text), ctx.request.remote)
        await house.namespaces.home(session.entry)
    except PermissionDenied:
        raise PermissionDenied("bad token") from None
    if session.entry.token_type == "batch":
        return session.entry
    entry = await house.tokens.stored(transaction(ctx), session.entry.id)
    if entry is None:
        raise PermissionDenied("bad token")
    return entry


async def _by_accessor(ctx: Context, accessor: str) -> TokenEntry:
    try:
        return await token_store.by_accessor(
            transaction(ctx), core(ctx).tokens.keys.token_id, accessor, realm(ctx).uuid
        )
    except NotFound:
        raise InvalidRequest("invalid accessor") from None


def _own(ctx: Context) -> str:
    return ctx.request.token.reveal() if ctx.request.token else ""


async def lookup(ctx: Context, req: WithToken) -> Response:
    text = req.token or _own(ctx)
    return await _shown(ctx, await _by_text(ctx, text), text)


async def lookup_self(ctx: Context, req: Nothing) -> Response:
    return await _shown(ctx, await _by_text(ctx, _own(ctx)), _own(ctx))


async def lookup_accessor(ctx: Context, req: WithAccessor) -> Response:
    return await _shown(ctx, await _by_accessor(ctx, req.accessor), "")


async def _shown(ctx: Context, entry: TokenEntry, text: str) -> Response:
    body = shown(entry, text, ctx.now())
    if entry.namespace:
        body["namespace_path"] = (await core(ctx).namespaces.of(entry.namespace)).prefix
    return Response(body)


async def renew(ctx: Context, req: WithToken) -> Response:
    text = req.token or _own(ctx)
    try:
        entry = await _by_text(ctx, text)
    except PermissionDenied:
        raise InvalidRequest("token not found") from None
    return await _renew(ctx, entry, text, req.increment)


async def renew_self(ctx: Context, req: Increment) -> Response:
    return await _renew(ctx, await _by_text(ctx, _own(ctx)), _own(ctx), req.increment)


async def renew_accessor(ctx: Context, req: WithAccessor) -> Response:
    return await _renew(ctx, await _by_accessor(ctx, req.accessor), "", req.increment)


async def _renew(ctx: Context, entry: TokenEntry, text: str, increment: int) -> Response:
    """Renew after asking the auth method that issued the token whether it still would."""
    house, tx = core(ctx), transaction(ctx)
    if entry.token_type == "batch":
        raise InvalidRequest("batch tokens cannot be renewed")
    if not entry.renewable or not entry.expires:
        raise InvalidRequest("lease is not renewable")
    mount = (await house.namespaces.of(entry.namespace)).mount(entry.mount) or ctx.mount
    engine = house.router.engine_for(mount)
    if engine is not None and not engine.trusted:
        auth = Auth(policies=entry.policies, display_name=entry.display_name, internal=entry.internal)
        auth.metadata, auth.bound_cidrs, auth.entity_id = entry.metadata, entry.bound_cidrs, entry.entity_id
        checked = await engine.renew_login(house.context_for(tx, mount, ctx), auth)
        entry.period, entry.max_ttl = checked.period, checked.max_ttl
        entry.ttl = checked.ttl or entry.ttl
    ttl = await house.tokens.renew(tx, entry, increment, mount)
    ctx.after_commit(lambda: house.tokens.forget(entry.id))
    capped = increment > ttl and not entry.period
    warnings = (f"TTL of {increment}s exceeded what is left: it is capped to {ttl}s",) * capped
    return Response(
        warnings=warnings,
        auth=Auth(
            policies=entry.policies,
            display_name=entry.display_name,
            metadata=entry.metadata,
            renewable=True,
            token_type=entry.token_type,
            orphan=entry.orphan,
            num_uses=entry.num_uses,
            client_token=Sensitive(text),
            accessor=entry.accessor,
            lease_duration=ttl,
            entity_id=entry.entity_id,
        ),
    )


async def _revoke(ctx: Context, entry: TokenEntry, *, orphan: bool = False) -> Response:
    if entry.token_type == "batch":
        raise InvalidRequest("batch tokens cannot be revoked")
    ctx.after_commit(lambda: core(ctx).expiry.end_token(entry.id, orphan=orphan))
    return Response()


async def revoke(ctx: Context, req: WithToken) -> Response:
    if not req.token:
        raise InvalidRequest("missing token ID")
    try:
        entry = await _by_text(ctx, req.token)
    except PermissionDenied:
        return Response()
    return await _revoke(ctx, entry)


async def revoke_self(ctx: Context, req: Nothing) -> Response:
    return await _revoke(ctx, await _by_text(ctx, _own(ctx)))


async def revoke_accessor(ctx: Context, req: WithAccessor) -> Response:
    try:
        entry = await _by_accessor(ctx, req.accessor)
    except InvalidRequest:
        return Response(warnings=("No token found with this accessor",))
    return await _revoke(ctx, entry)


async def revoke_orphan(ctx: Context, req: WithToken) -> Response:
    if not req.token:
        raise InvalidRequest("missing token ID")
    return await _revoke(ctx, await _by_text(ctx, req.token), orphan=True)


async def list_accessors(ctx: Context, req: Nothing) -> Response:
    every = token_store.every(transaction(ctx), realm(ctx).uuid)
    return Response({"keys": sorted([entry.accessor async for entry in every])})


async def tidy(ctx: Context, req: Nothing) -> Response:
    removed = await tidy_tokens(core(ctx))
    return Response(warnings=(f"Tidy operation finished: {removed} stale entries removed.",), status=202)


class Token(Engine):
    """Tokens are made, looked up, renewed and revoked here."""

    kind = "token"
    summary = "Token based credentials."
    trusted = True
    routes = (
        Route(
            path="create",
            write=create,
            summary="Create a child token.",
            description=(
                "Policies are some of the caller's, unless the caller may sudo here; the child ends with "
                "its parent. A batch token is not stored: it has no accessor, no children, no renewal."
            ),
        ),
        Route(
            path="create-orphan", write=create_orphan, sudo=True, summary="Create a token without a parent."
        ),
        Route(path="create/{role_name}", write=create_by_role, summary="Create a token through a role."),
        Route(path="lookup", read=lookup, write=lookup, summary="What is known of a token."),
        Route(
            path="lookup-self",
            read=lookup_self,
            write=lookup_self,
            summary="What is known of the caller's token.",
        ),
        Route(path="lookup-accessor", write=lookup_accessor, summary="What is known of an accessor's token."),
        Route(path="renew", write=renew, summary="Extend a token."),
        Route(path="renew-self", write=renew_self, summary="Extend the caller's token."),
        Route(path="renew-accessor", write=renew_accessor, summary="Extend an accessor's token."),
        Route(path="revoke", write=revoke, summary="Revoke a token and its children."),
        Route(path="revoke-self", write=revoke_self, summary="Revoke the caller's token and its children."),
        Route(path="revoke-accessor", write=revoke_accessor, summary="Revoke an accessor's token."),
        Route(
            path="revoke-orphan",
            write=revoke_orphan,
            sudo=True,
            summary="Revoke a token but let its children live on as orphans.",
        ),
        Route(path="accessors/", list=list_accessors, sudo=True, summary="List the accessors of all tokens."),
        Route(path="tidy", write=tidy, sudo=True, summary="Remove entries that lead nowhere."),
        *token_roles.ROUTES,
    )
