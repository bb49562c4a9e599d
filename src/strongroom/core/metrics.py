"""Counts of what came through the door, kept as plain numbers; `sys/metrics` renders them."""

from bisect import bisect_left

from strongroom.errors import StrongroomError
from strongroom.framework import Mount, Operation, Request

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Series:
    """One label set: how many, how long in seconds, and the buckets they fell into."""

    __slots__ = ("buckets", "count", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.buckets = [0] * (len(BUCKETS) + 1)


class Metrics:
    """Requests by mount kind, operation, outcome (`ok` or the error's class name) and namespace."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, Operation, str, str], Series] = {}

    def count(
        self, request: Request, mount: Mount | None, seconds: float, error: StrongroomError | None
    ) -> None:
        """Add one request."""
        outcome = type(error).__name__ if error else "ok"
        if mount is None:
            key = ("", request.operation, outcome, "")  # nobody's, whatever the request names
        else:
            key = (mount.kind, request.operation, outcome, request.namespace)
        series = self.requests.get(key)
        if series is None:
            series = self.requests[key] = Series()
        series.count += 1
        series.seconds += seconds
        series.buckets[bisect_left(BUCKETS, seconds)] += 1
