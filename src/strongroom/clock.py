"""Injected time: every floor asks a Clock, tests turn the hands themselves."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Protocol

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts the time for which a machine is suspended, too."""


class Clock(Protocol):
    """Seconds since the epoch, never going back while the store is open (ADR 0013)."""

    def now(self) -> float:
        """The time that everything goes by."""
        ...

    def wall(self) -> float:
        """What the system's clock shows, which anyone may move."""
        ...

    def set(self, least: float) -> None:
        """Go by the system's clock anew, but by nothing before `least`; while nothing is open only."""
        ...


class SystemClock:
    """The wall clock when it was set, carried on by one that nobody can move.

    A wall clock set back (or forward) while the server runs neither revives
    expired tokens nor kills live ones.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = partial(time.clock_gettime, _STEADY),
    ) -> None:
        self.wall = wall
        self._steady = steady
        self.set(0)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._offset + self._steady()

    def set(self, least: float) -> None:
        """Take the wall clock's time, or `least`."""
        self._offset = max(self.wall(), least) - self._steady()


class FakeClock(SystemClock):
    """Two clocks that stand still until told to move: the one that is shown, and the steady one."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self.shown, self._since = start, 0.0
        super().__init__(lambda: self.shown, lambda: self._since)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.shown += seconds
        self._since += seconds

    def jump(self, seconds: float) -> None:
        """Someone moves the system's clock; no time passes."""
        self.shown += seconds


def rfc3339(seconds: float) -> str:
    """Render seconds since the epoch as UTC RFC 3339 with nanosecond digits, as Go prints it."""
    nanos = f"{seconds % 1:.9f}"[2:].rstrip("0")
    return f"{_whole(int(seconds))}{'.' + nanos if nanos else ''}Z"


@lru_cache(maxsize=256)
def _whole(seconds: int) -> str:
    """The part that many times of one moment share; formatting it costs ten times the rest."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
