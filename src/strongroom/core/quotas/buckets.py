"""Token buckets: each request takes a token, and tokens come back evenly until the bucket is full."""

from collections import OrderedDict
from math import ceil
from typing import NamedTuple

from strongroom.core.quotas.record import RateLimit

MOST = 100_000


class Taken(NamedTuple):
    """What taking a token gave. `retry_after` is 0 when there was one; times are whole seconds.

    `remaining` tokens are left, `reset` is when the bucket will be full again.
    """

    limit: int
    remaining: int
    reset: int
    retry_after: int


class _Bucket:
    __slots__ = ("at", "shut_until", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        self.at = at
        self.shut_until = 0.0


class Buckets:
    """A bucket for each quota and address; the longest unused are forgotten first."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    def clear(self) -> None:
        """Begin anew: quotas changed."""
        self._buckets.clear()

    def take(self, quota: RateLimit, address: str, now: float) -> Taken:
        """Take a token for a request from `address`."""
        most, each = max(quota.rate, 1.0), quota.interval / quota.rate
        key = (quota.name, address)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(most, now)
            if len(self._buckets) > MOST:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        bucket.tokens = min(most, bucket.tokens + (now - bucket.at) / each)
        bucket.at = now
        wait = max(bucket.shut_until - now, 0.0)
        if not wait and bucket.tokens < 1.0:
            wait = (1.0 - bucket.tokens) * each
            if quota.block_interval:
                wait = max(wait, float(quota.block_interval))
                bucket.shut_until = now + wait
        if not wait:
            bucket.tokens -= 1.0
        full = ceil((most - bucket.tokens) * each)
        return Taken(int(most), int(bucket.tokens), full, max(ceil(wait), 1) if wait else 0)
