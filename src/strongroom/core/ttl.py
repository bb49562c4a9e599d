"""How long things live. All in seconds; 0 means "not set"."""

DEFAULT_LEASE_TTL = 32 * 86400
MAX_LEASE_TTL = 32 * 86400


def smallest(*limits: int) -> int:
    """The smallest limit that is set, or 0 when none is."""
    return min((limit for limit in limits if limit > 0), default=0)


def granted(
    wanted: int,
    default: int,
    maximum: int,
    issued: float,
    now: float,
    *,
    period: int = 0,
    explicit_max: int = 0,
) -> int:
    """The time to live given at `now` to something first issued at `issued`.

    A period renews for ever and is bound only by an explicit maximum; anything
    else never outlives `maximum` counted from its issue. The result is never
    negative: nothing left is 0.
    """
    ttl = period or wanted or default
    ends = smallest(explicit_max if period else smallest(maximum, explicit_max))
    if ends:
        ttl = min(ttl, int(issued + ends - now))
    return max(ttl, 0)
