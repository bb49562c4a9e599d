"""What `auth/token/*` is sent, and what it answers about a token."""

from typing import Annotated, Any

from msgspec import Meta

from strongroom.clock import rfc3339
from strongroom.core.token_entry import TokenEntry
from strongroom.framework import CommaList, Fields, Pairs, Seconds


class CreateToken(Fields, frozen=True, kw_only=True):
    """A new token; all but root may only pass on what they have."""

    role_name: str = ""
    id: Annotated[str, Meta(description="The token's text; root only.")] = ""
    policies: CommaList | None = None
    meta: Pairs | None = None
    no_parent: bool = False
    no_default_policy: bool = False
    renewable: bool = True
    lease: Seconds = 0
    ttl: Seconds = 0
    type: str = ""
    explicit_max_ttl: Seconds = 0
    display_name: str = "token"
    num_uses: int = 0
    period: Seconds = 0
    entity_alias: str = ""


class WithToken(Fields, frozen=True):
    """A token's text and, for renewals, by how many seconds."""

    token: str = ""
    increment: Seconds = 0


class WithAccessor(Fields, frozen=True):
    """A token's accessor and, for renewals, by how many seconds."""

    accessor: str
    increment: Seconds = 0


class Increment(Fields, frozen=True):
    """By how many seconds to renew, from now; the token's own life when 0."""

    increment: Seconds = 0


def shown(entry: TokenEntry, text: str, now: float) -> dict[str, Any]:
    """A token as lookups answer it; `text` is empty when it was found by accessor."""
    body: dict[str, Any] = {
        "accessor": entry.accessor,
        "creation_time": int(entry.created),
        "creation_ttl": entry.ttl,
        "display_name": entry.display_name,
        "entity_id": entry.entity_id,
        "expire_time": rfc3339(entry.expires) if entry.expires else None,
        "explicit_max_ttl": entry.explicit_max_ttl,
        "id": text,
        "issue_time": rfc3339(entry.created),
        "meta": entry.metadata or None,
        "num_uses": max(entry.num_uses, 0),
        "orphan": entry.orphan,
        "path": entry.path,
        "policies": entry.policies,
        "renewable": entry.renewable,
        "ttl": entry.remaining(now),
        "type": entry.token_type,
    }
    if entry.period:
        body["period"] = entry.period
    if entry.role:
        body["role"] = entry.role
    if entry.bound_cidrs:
        body["bound_cidrs"] = entry.bound_cidrs
    if entry.last_renewal:
        body["last_renewal"] = rfc3339(entry.last_renewal)
        body["last_renewal_time"] = int(entry.last_renewal)
    return body
