"""Response wrapping: an answer kept behind a token of one use."""

import msgspec
from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core import token_store
from strongroom.core.token_entry import TokenEntry
from strongroom.core.tokens import Tokens
from strongroom.errors import InvalidRequest
from strongroom.framework import Mount, Request, Response, WrapInfo
from strongroom.framework.envelope import encoded

POLICY = "response-wrapping"
SPENT = "wrapping token is not valid or does not exist"


class Wrapped(Struct, frozen=True, kw_only=True):
    """What a wrapping token stands for. `ttl` in seconds, `created` since the epoch.

    `namespace` is the uuid of the one it was made in, whose end is the token's too.
    """

    body: bytes
    created: float
    ttl: int
    path: str
    wrapped_accessor: str = ""
    namespace: str = ""

    def __repr__(self) -> str:
        return f"Wrapped({self.path})"


def wrap(
    tx: BarrierTransaction, tokens: Tokens, request: Request, mount: Mount, response: Response, now: float
) -> Response:
    """Put `response` behind a new wrapping token; its body is kept until the token is used or expires."""
    response.request_id = request.id
    accessor = response.auth.accessor if response.auth else ""
    kept = Wrapped(
        body=encoded(response),
        created=now,
        ttl=request.wrap_ttl,
        path=request.path,
        wrapped_accessor=accessor,
        namespace=mount.namespace,
    )
    wrapped = keep(tx, tokens, kept)
    wrapped.facts = response.facts  # which version it was is in the log, wrapped or not
    return wrapped


def keep(tx: BarrierTransaction, tokens: Tokens, kept: Wrapped) -> Response:
    """Store what is wrapped and answer with its token."""
    entry = TokenEntry(
        id="",
        accessor="",
        policies=(POLICY,),
        path=kept.path,
        display_name="",
        created=kept.created,
        num_uses=1,
        ttl=kept.ttl,
        expires=kept.created + kept.ttl,
        explicit_max_ttl=kept.ttl,
        renewable=False,
        namespace=kept.namespace,
    )
    token = tokens.issue(tx, entry)
    _box(tx, entry.id).put("response", kept)
    return Response(
        wrap=WrapInfo(
            token=token,
            accessor=entry.accessor,
            ttl=kept.ttl,
            creation_time=kept.created,
            creation_path=kept.path,
            wrapped_accessor=kept.wrapped_accessor,
        )
    )


def renewed(kept: Wrapped, now: float) -> Wrapped:
    """The same, as if wrapped at `now`."""
    return msgspec.structs.replace(kept, created=now)


async def look(tx: BarrierTransaction, tokens: Tokens, text: str, now: float) -> Wrapped:
    """What a wrapping token stands for, without using it. Raises InvalidRequest when it is spent."""
    _, kept = await _find(tx, tokens, text, now)
    return kept


async def take(tx: BarrierTransaction, tokens: Tokens, text: str, now: float) -> Wrapped:
    """Use a wrapping token: it is gone when the transaction commits, and one commit alone can win."""
    token, kept = await _find(tx, tokens, text, now)
    await token_store.remove(tx, tokens.keys.token_id, token, now)
    return kept


async def _find(tx: BarrierTransaction, tokens: Tokens, text: str, now: float) -> tuple[str, Wrapped]:
    token = tokens.id_of(text)
    entry = await token_store.find(tx, token)
    kept = await _box(tx, token).find("response", Wrapped)
    if entry is None or kept is None or entry.expires <= now:
        raise InvalidRequest(SPENT)
    return token, kept


def _box(tx: BarrierTransaction, token: str) -> View:
    return View(tx, f"{token_store.PERSONAL}{token}/wrapped/")
