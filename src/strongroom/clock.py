"""Injected time: every floor asks a Clock, tests turn the hands themselves."""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Wall-clock seconds since the epoch, never going back within a run."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...


class SystemClock:
    """The wall clock at start, carried on by the monotonic one.

    A wall clock set back (or forward) while the server runs neither revives
    expired tokens nor kills live ones.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._offset + time.monotonic()


class FakeClock:
    """A clock that stands still until told to move."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the hands forward."""
        self._now += seconds


def rfc3339(seconds: float) -> str:
    """Render seconds since the epoch as UTC RFC 3339 with nanosecond digits, as Go prints it."""
    nanos = f"{seconds % 1:.9f}"[2:].rstrip("0")
    return f"{_whole(int(seconds))}{'.' + nanos if nanos else ''}Z"


@lru_cache(maxsize=256)
def _whole(seconds: int) -> str:
    """The part that many times of one moment share; formatting it costs ten times the rest."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
