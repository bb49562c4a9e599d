"""`[backup]`: backups that the server makes by itself."""

import re

from msgspec import Struct

from strongroom.errors import InvalidRequest
from strongroom.jobs import Timing
from strongroom.server.problems import StartFailed
from strongroom.storage.backup.places import place_of
from strongroom.system.backups import Plan

_INTERVAL = re.compile(r"([1-9]\d{0,5})([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}


class BackupSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[backup]`: to a directory or `s3://BUCKET/PREFIX`, how often, how many stay (0: all)."""

    to: str = ""
    every: str = "24h"
    keep: int = 14
    region: str = ""
    endpoint: str = ""


def plan_of(settings: BackupSettings, storage: str) -> Plan | None:
    """The plan for a store of the kind `storage`; None when none is wanted. Raises StartFailed."""
    if settings == BackupSettings():
        return None
    try:
        if storage == "memory":
            raise InvalidRequest("a store in memory is kept nowhere")
        if not settings.to or settings.keep < 0:
            raise InvalidRequest("backup.to names a place, and backup.keep is 0 or more")
        timing = _timing(settings.every)
        timing.check()
        place = place_of(settings.to, region=settings.region, endpoint=settings.endpoint)
    except InvalidRequest as error:
        raise StartFailed(
            "backups cannot be made as configured", f"{error}.", "See docs/configuration.md, [backup]."
        ) from None
    return Plan(place, timing, settings.keep, settings.every)


def _timing(every: str) -> Timing:
    """`90m`, `6h` or `1d`, else a cron expression in UTC."""
    interval = _INTERVAL.fullmatch(every)
    if interval is None:
        return Timing(cron=every)
    return Timing(interval=float(interval[1]) * _SECONDS[interval[2]])
