"""When a schedule runs: a cron expression in a time zone, or an interval, with a window and jitter.

Cron follows Debian's, also when clocks change: a fixed time that a spring night skips runs
right after the gap, a fixed time that an autumn night repeats runs once.
Source: crontab(5), through `cronsim`.
"""

import math
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from msgspec import Struct

from strongroom.errors import InvalidRequest
from strongroom.jobs.kind import spread
from strongroom.jobs.record import whole_ms

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}
SHORTEST_INTERVAL = 1.0
CRON_FIELDS = 5
LONGEST_CRON = 200


class Timing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Either `cron` (five fields or a preset such as `@monthly`, read in `timezone`) or `interval` seconds.

    A run later than `window` seconds after its planned time is left out; 0 runs it whenever
    it can. `jitter` delays each run by up to that many seconds, the same on every node.
    """

    cron: str = ""
    interval: float = 0
    timezone: str = "UTC"
    window: float = 0
    jitter: float = 0

    def check(self) -> None:
        """Raise InvalidRequest unless this can be followed."""
        if bool(self.cron) == bool(self.interval):
            raise InvalidRequest("a schedule has either a cron expression or an interval")
        if self.interval and self.interval < SHORTEST_INTERVAL:
            raise InvalidRequest("an interval is a second or more")
        if self.jitter < 0 or self.window < 0:
            raise InvalidRequest("jitter and window are not negative")
        if self.window and self.jitter > self.window:
            raise InvalidRequest("the jitter is longer than the window")
        if self.cron and (len(self._fields.split()) != CRON_FIELDS or len(self.cron) > LONGEST_CRON):
            raise InvalidRequest("a cron expression has five fields: minute, hour, day, month, weekday")
        self.after(0, 0)

    @property
    def _fields(self) -> str:
        return PRESETS.get(self.cron, self.cron)

    def after(self, planned: float, now: float) -> float:
        """The first planned time after `now`; an interval counts from `planned`. Raises InvalidRequest."""
        if self.interval:
            return planned + self.interval * (math.floor((now - planned) / self.interval) + 1)
        zone = _zone(self.timezone)
        try:
            steps = CronSim(self._fields, datetime.fromtimestamp(math.floor(now), zone))
            return next(steps).astimezone(UTC).timestamp()
        except CronSimError as error:
            raise InvalidRequest(f"the cron expression cannot be read: {error}") from None
        except StopIteration:
            raise InvalidRequest("the cron expression never comes true") from None

    def delayed(self, planned: float, name: str) -> float:
        """The planned time with the schedule's jitter."""
        return whole_ms(planned + self.jitter * spread(f"{name}@{planned:.0f}"))

    def missed(self, planned: float, now: float) -> bool:
        """Whether it is too late for a run."""
        return bool(self.window) and now > planned + self.window


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):  # unknown, a directory, or no name at all
        raise InvalidRequest(f"there is no time zone '{name}'") from None
