"""What the core makes of a handler's answer: tokens for logins, leases for secrets, wrappings."""

from dataclasses import replace

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core import leases, wrapping
from strongroom.core import ttl as ttls
from strongroom.core.namespaces.areas import lease_area
from strongroom.core.token_entry import TokenEntry
from strongroom.core.tokens import Tokens, mount_ttls
from strongroom.errors import InvalidRequest
from strongroom.framework import Auth, Caller, Mount, Request, Response
from strongroom.framework.policy_names import ROOT, canonical_names

NEVER_BY_LOGIN = frozenset({ROOT})


def register(
    tx: BarrierTransaction,
    tokens: Tokens,
    request: Request,
    mount: Mount,
    caller: Caller,
    response: Response,
    now: float,
) -> Response:
    """Record in the request's transaction what `response` brings into being."""
    if response.auth is not None and response.auth.client_token is None:
        log_in(tx, tokens, mount, request.path, response.auth, now)
    if response.lease is not None and not response.lease.id:
        leases.register(tx, mount, request.path, caller.id, response.lease, now)
    if response.lease is not None and mount.namespace:
        named = response.lease.id.removeprefix(lease_area(mount.namespace))
        response.lease = replace(response.lease, id=named)
    response.mount_type = mount.kind
    if request.wrap_ttl and _wrappable(response):
        return wrapping.wrap(tx, tokens, request, mount, response, now)
    return response


def _wrappable(response: Response) -> bool:
    return response.wrap is None and (response.data is not None or response.auth is not None)


def log_in(tx: BarrierTransaction, tokens: Tokens, mount: Mount, path: str, auth: Auth, now: float) -> None:
    """Make the token of a login. Raises InvalidRequest when the method asks for root."""
    auth.policies = token_policies(auth.policies, with_default=not auth.no_default_policy)
    if NEVER_BY_LOGIN.intersection(auth.policies):
        raise InvalidRequest("auth methods cannot create root tokens")
    auth.token_type = _kind(auth.token_type, mount.config.token_type)
    auth.lease_duration = _life(mount, auth, now)
    auth.renewable = auth.renewable and auth.token_type == "service"
    entry = TokenEntry(
        id="",
        accessor="",
        policies=auth.policies,
        path=path,
        display_name=auth.display_name,
        created=now,
        metadata=auth.metadata,
        num_uses=auth.num_uses,
        ttl=auth.lease_duration,
        expires=now + auth.lease_duration,
        explicit_max_ttl=auth.explicit_max_ttl,
        period=auth.period,
        renewable=auth.renewable,
        token_type=auth.token_type,
        bound_cidrs=auth.bound_cidrs,
        entity_id=auth.entity_id,
        mount=mount.uuid,
        namespace=mount.namespace,
        max_ttl=auth.max_ttl,
        internal=auth.internal,
    )
    auth.client_token = tokens.issue(tx, entry)
    auth.accessor = entry.accessor


def _life(mount: Mount, auth: Auth, now: float) -> int:
    default, maximum = mount_ttls(mount)
    ceiling = ttls.smallest(auth.max_ttl, maximum)
    return ttls.granted(
        auth.ttl, default, ceiling, now, now, period=auth.period, explicit_max=auth.explicit_max_ttl
    )


def token_policies(names: tuple[str, ...], *, with_default: bool) -> tuple[str, ...]:
    """The policies of a token: canonical, sorted, each once, `default` added unless refused.

    `root` stands alone: with it the others say nothing.
    """
    policies = canonical_names([*names, *(["default"] if with_default else [])])
    return (ROOT,) if ROOT in policies else policies


def _kind(asked: str, tuned: str) -> str:
    """Service or batch: the mount's tuning decides unless it leaves the choice to the role."""
    if tuned in ("service", "batch"):
        return tuned
    if asked in ("", "default", "default-service", "default-batch"):
        return "batch" if "batch" in (asked or tuned) else "service"
    return asked
