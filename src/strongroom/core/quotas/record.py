"""What is stored of quotas: `quota/rate-limit/<name>`, `quota/lease-count/<name>`, `quota/config`.

Source: Vault's API pages /sys/quotas/config, /sys/rate-limit-quotas, /sys/lease-count-quotas.
"""

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View

PREFIX = "quota/"
CONFIG = "config"
EXEMPT = (
    "sys/generate-root/attempt",
    "sys/generate-root/update",
    "sys/health",
    "sys/seal-status",
    "sys/unseal",
)


class Quota(Struct, frozen=True, kw_only=True):
    """What both kinds have. `path` is whole, without slashes at its ends; empty is everything.

    `namespace` is the path of the namespace that `path` is in; when they are the same, the quota
    is the namespace's, and with `inheritable` that of the namespaces below, too. With `role`,
    only logins of that role at an auth method are meant. `shown` is the path as the API names it.
    """

    name: str
    path: str = ""
    shown: str = ""
    namespace: str = ""
    role: str = ""
    inheritable: bool = False


class RateLimit(Quota, frozen=True, kw_only=True):
    """At most `rate` requests in `interval` seconds from one address.

    Who goes over it is shut out for `block_interval` seconds at least, if that is not 0.
    """

    rate: float
    interval: int = 1
    block_interval: int = 0


class LeaseCount(Quota, frozen=True, kw_only=True):
    """At most `max_leases` leases at a time."""

    max_leases: int


class Config(Struct, frozen=True, kw_only=True):
    """What holds for all rate limits."""

    enable_rate_limit_audit_logging: bool = False
    enable_rate_limit_response_headers: bool = False
    rate_limit_exempt_paths: tuple[str, ...] = EXEMPT


KINDS: dict[str, type[RateLimit] | type[LeaseCount]] = {"rate-limit": RateLimit, "lease-count": LeaseCount}


def view(tx: BarrierTransaction) -> View:
    """The quotas' part of the barrier."""
    return View(tx, PREFIX)


async def config(tx: BarrierTransaction) -> Config:
    """The stored settings, or the defaults."""
    return await view(tx).find(CONFIG, Config) or Config()


async def rate_limits(tx: BarrierTransaction) -> list[RateLimit]:
    """Every rate limit."""
    return [await view(tx).get(key, RateLimit) for key in await view(tx).keys("rate-limit/")]


async def lease_counts(tx: BarrierTransaction) -> list[LeaseCount]:
    """Every limit on leases."""
    return [await view(tx).get(key, LeaseCount) for key in await view(tx).keys("lease-count/")]


async def inside(tx: BarrierTransaction, namespace: str) -> list[str]:
    """The keys of the quotas of a namespace and of what is in it."""
    named = [(f"rate-limit/{one.name}", one.namespace) for one in await rate_limits(tx)]
    named += [(f"lease-count/{one.name}", one.namespace) for one in await lease_counts(tx)]
    return [f"{PREFIX}{key}" for key, place in named if place == namespace]
