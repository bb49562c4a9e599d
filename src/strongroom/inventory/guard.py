"""How often the index may be asked: what keeps a caller from trying values one by one."""

from strongroom.clock import Clock
from strongroom.errors import RateLimited
from strongroom.framework import Caller

HOUR = 3600.0
PER_CALLER = 20_000  # windows an hour; ten gigabytes of files take about two thousand
PER_SERVER = 200_000
MAX_CALLERS = 10_000


class Guard:
    """Counts evaluated windows by caller and hour, before they are evaluated; in memory only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = 0.0
        self._total = 0
        self._spent: dict[str, int] = {}

    @property
    def evaluated(self) -> int:
        """Windows evaluated in the hour under way."""
        return self._total

    def charge(self, caller: Caller, windows: int) -> None:
        """Take so many windows from the caller's hour. Raises RateLimited when too few are left."""
        now = self._clock.now()
        if now >= self._began + HOUR or now < self._began:
            self._began, self._total, self._spent = now, 0, {}
        name = caller.entity_id or caller.id
        spent = self._spent.get(name, 0) + windows
        crowded = name not in self._spent and len(self._spent) >= MAX_CALLERS
        if spent > PER_CALLER or self._total + windows > PER_SERVER or crowded:
            raise RateLimited(f"{PER_CALLER} windows an hour are evaluated for one caller; try again later")
        self._spent[name] = spent
        self._total += windows
