"""What goes out: data, and what the core is to make of it (a token, a lease, a wrapping)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from msgspec import Struct

from strongroom.framework.again import Again
from strongroom.sensitive import Sensitive


class Auth(Struct, kw_only=True):
    """A login's result. The method fills the upper part, the core the lower.

    `ttl`, `max_ttl`, `explicit_max_ttl` and `period` are in seconds; 0 leaves it
    to the mount and the system. `internal` is kept with the token for renewal.
    """

    policies: tuple[str, ...]
    display_name: str
    alias: str = ""
    metadata: dict[str, str] = {}
    ttl: int = 0
    max_ttl: int = 0
    explicit_max_ttl: int = 0
    period: int = 0
    num_uses: int = 0
    renewable: bool = True
    token_type: str = "service"
    bound_cidrs: tuple[str, ...] = ()
    no_default_policy: bool = False
    orphan: bool = True
    internal: dict[str, Any] = {}

    client_token: Sensitive[str] | None = None
    accessor: str = ""
    lease_duration: int = 0
    entity_id: str = ""
    mfa_requirement: None = None


@dataclass(slots=True)
class Lease:
    """An issued secret's life. `ttl` and `max_ttl` in seconds, 0 for the mount's default.

    `internal` is what the engine needs to renew or revoke it; it never leaves the barrier.
    """

    ttl: int = 0
    max_ttl: int = 0
    renewable: bool = True
    internal: dict[str, Any] = field(default_factory=dict)
    id: str = ""


@dataclass(slots=True)
class WrapInfo:
    """A wrapped response's public part; times in seconds since the epoch."""

    token: Sensitive[str]
    accessor: str
    ttl: int
    creation_time: float
    creation_path: str
    wrapped_accessor: str = ""


@dataclass(slots=True)
class Raw:
    """A body that is not Vault's JSON envelope."""

    content_type: str
    body: bytes


@dataclass(slots=True)
class Response:
    """One answer.

    `data` is None, a dict or a msgspec Struct; `msgspec.Raw` inside stays byte for byte.
    `status` 0 means 200 with a body and 204 without.
    `bare` sends `data` as the whole body (`sys/health`, `sys/seal-status`, `sys/init`);
    `doubled` sends its members at top level and again under `data` (`sys/mounts`).
    `facts` are harmless words for the audit entry (which version, which role): never values.
    `ttl` is reported as `lease_duration` where there is no lease: when to read again (kv version 1).
    `encoded` is `data` as JSON, once the audit log has needed it: the edge sends the same bytes.
    A handler sets `good_until` (seconds since the epoch) when the same request would be answered the
    same until then, as long as nothing it read has changed: what it says must follow from what is
    stored, the request and the caller alone. The core then sets `again`, which makes it repeatable.
    """

    data: Any = None
    warnings: tuple[str, ...] = ()
    auth: Auth | None = None
    lease: Lease | None = None
    wrap: WrapInfo | None = None
    raw: Raw | None = None
    status: int = 0
    bare: bool = False
    doubled: bool = False
    request_id: str = ""
    mount_type: str = ""
    facts: Mapping[str, str | int] = field(default_factory=dict)
    ttl: int = 0
    encoded: bytes = b""
    good_until: float = 0.0
    again: Callable[[], Again | None] | None = None

    @classmethod
    def leased(
        cls, data: dict[str, Any], ttl: int = 0, *, max_ttl: int = 0, renewable: bool = True, **internal: Any
    ) -> Self:
        """An issued secret: the core gives it a lease that the engine's `revoke` ends."""
        return cls(data, lease=Lease(ttl, max_ttl, renewable, internal))
