"""The store's own time: the latest moment it was open at is kept in it, so that time never goes back.

While the store is open nobody can move the clock that everything goes by (`clock.SystemClock`). Over
a stop there is only the system's clock, so it is compared with the kept moment: from before that, time
goes on at the moment itself, and nothing lives longer than it was given; far behind it, the clock is
more likely to be wrong than the store to have been closed for so long, and the store stays closed,
since ending all leases cannot be taken back. See ADR 0013.
"""

import logging
from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.clock import Clock, rfc3339
from strongroom.errors import Unavailable
from strongroom.storage.contract import Conflict, StorageFull

log = logging.getLogger(__name__)

AREA, KEY = "core/", "clock"
KEPT_EVERY = 30.0
TOLD_FROM = 10.0
DAY = 86400.0
LONGEST_CLOSED = 400 * DAY


class Latest(Struct, frozen=True):
    """The latest moment at which the store is known to have been open."""

    at: float


class Timekeeper:
    """Keeps the moment, and tells when the system's clock differs from what everything goes by."""

    def __init__(self, begin: Callable[[], BarrierTransaction], clock: Clock) -> None:
        self.longest_closed = LONGEST_CLOSED
        self._begin = begin
        self._clock = clock
        self._told = 0.0

    @property
    def skew(self) -> float:
        """How many seconds the system's clock is ahead of the time that everything goes by."""
        return self._clock.wall() - self._clock.now()

    async def open(self) -> None:
        """Set the clock before anything is decided. Raises Unavailable when it cannot be right."""
        latest = await _latest(self._begin())
        closed = self._clock.wall() - latest if latest else 0.0
        if closed > self.longest_closed:
            raise Unavailable(
                f"the system clock is {closed / DAY:.0f} days past the last moment this store was open, "
                f"{rfc3339(int(latest))}: set it right, or allow so many in clock.longest_closed_days"
            )
        self._clock.set(latest)
        self._told = 0.0
        self._tell()
        await self.keep(always=True)

    async def look(self) -> None:
        """Now and then: keep the moment, and tell of a system clock that was moved."""
        self._tell()
        await self.keep()

    async def keep(self, *, always: bool = False) -> None:
        """Keep the present moment. Where the store does not take it, another one follows."""
        with suppress(Conflict, StorageFull, Unavailable):
            tx, now = self._begin(), self._clock.now()
            if now >= await _latest(tx) + (0 if always else KEPT_EVERY):
                View(tx, AREA).put(KEY, Latest(now))
                await tx.commit()

    def _tell(self) -> None:
        skew = self.skew
        if abs(skew - self._told) < TOLD_FROM:
            return
        self._told = skew
        if abs(skew) < TOLD_FROM:
            log.warning("the system clock agrees with the server's time again")
        else:
            way = "ahead of" if skew > 0 else "behind"
            log.warning("the system clock is %d s %s the server's time, which goes on", abs(skew), way)


async def _latest(tx: BarrierTransaction) -> float:
    kept = await View(tx, AREA).find(KEY, Latest)
    return kept.at if kept is not None else 0.0
