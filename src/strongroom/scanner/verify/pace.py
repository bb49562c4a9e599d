"""How fast a provider is asked: so many calls a second and host, fewer when it says so."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PER_SECOND = 5.0  # calls to one host
LONGEST_WAIT = 30.0  # seconds that a Retry-After may ask for; beyond them the host is left alone
FAULTS = 3  # calls in a row without an answer, after which a host is left alone


class Pace:
    """Turns for hosts. `clock` and `sleep` are injected by tests; times are in seconds."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}
        self._faults: dict[str, int] = {}
        self._closed: dict[str, str] = {}

    def turn(self, host: str) -> str:
        """Wait for a turn; returns why the host is not asked at all, "" when it is."""
        with self._lock:
            if host in self._closed:
                return self._closed[host]
            now = self._clock()
            at = max(now, self._next.get(host, 0.0))
            self._next[host] = at + 1 / PER_SECOND
        if at > now:
            self._sleep(at - now)
        with self._lock:
            return self._closed.get(host, "")

    def retry(self, host: str, after: str) -> bool:
        """Note that `host` is busy. Whether to ask again: once, when it says after how many seconds."""
        seconds = float(after) if after.isdecimal() and len(after) < 7 else LONGEST_WAIT + 1
        with self._lock:
            if seconds > LONGEST_WAIT:
                self._closed[host] = "it asked to be left alone for a while"
                return False
            self._next[host] = max(self._next.get(host, 0.0), self._clock() + seconds)
        return True

    def answered(self, host: str, *, well: bool) -> None:
        """Note whether `host` gave an answer."""
        with self._lock:
            self._faults[host] = 0 if well else self._faults.get(host, 0) + 1
            if self._faults[host] >= FAULTS:
                self._closed[host] = "it does not answer"
