"""What opening one file may cost: bytes, members, depth and time. Beyond it the rest is refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.scanner.limits import Limits

SLACK = 16 << 20  # bytes that even a tiny file may become


class Refused(Exception):
    """The budget is spent; the message says which part of it."""


class Budget:
    """Counts what the members of one outermost file of `size` bytes inflate to, all depths together."""

    def __init__(self, limits: Limits, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.depth = limits.max_depth
        self._bytes_left = min(limits.max_expanded, limits.max_ratio * size + SLACK)
        self._members_left = limits.max_members
        self._clock = clock
        self._deadline = clock() + limits.seconds

    def spend(self, size: int) -> None:
        """Count inflated bytes; raises Refused over the total, the ratio or the time."""
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise Refused("it inflates to too much: not read further (possibly an archive bomb)")
        if self._clock() > self._deadline:
            raise Refused("it takes too long to open: not read further")

    def member(self) -> None:
        """Count a member; raises Refused when there are too many."""
        self._members_left -= 1
        if self._members_left < 0:
            raise Refused("it has too many members: not read further")
        self.spend(0)

    @property
    def seconds_left(self) -> float:
        """The time that remains, at least a moment."""
        return max(0.01, self._deadline - self._clock())
