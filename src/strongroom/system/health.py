"""`sys/health` and `sys/leader`: for load balancers. Source: Vault's API pages /sys/health, /sys/leader."""

from typing import Any

from strongroom.core.core import Core
from strongroom.framework import Context, Fields, Nothing, Response, Route
from strongroom.system.house import core
from strongroom.system.operator import VAULT_VERSION

ACTIVE, NOT_INITIALIZED, SEALED = 200, 501, 503


class Probe(Fields, frozen=True):
    """The statuses the caller would rather see; unknown parameters are ignored."""

    activecode: int = ACTIVE
    sealedcode: int = SEALED
    uninitcode: int = NOT_INITIALIZED
    standbycode: int = 429
    standbyok: str = ""


async def health(ctx: Context, req: Probe) -> Response:
    house = core(ctx)
    status = req.activecode
    if not house.initialized:
        status = req.uninitcode
    elif house.sealed or not _reachable(house):
        status = req.sealedcode
    body: dict[str, Any] = {
        "initialized": house.initialized,
        "sealed": house.sealed,
        "standby": house.sealed,
        "performance_standby": False,
        "replication_performance_mode": "disabled",
        "replication_dr_mode": "disabled",
        "server_time_utc": int(ctx.now()),
        "clock_skew_ms": int(house.timekeeper.skew * 1000),
        "version": VAULT_VERSION,
        "enterprise": False,
        **({} if house.sealed else house.cluster),
    }
    return Response(body, bare=True, status=status if 200 <= status < 600 else ACTIVE)


def _reachable(house: Core) -> bool:
    """Whether the store answers: a node that cannot reach a shared one answers nothing."""
    shared = house.barrier.shared
    return shared is None or shared.reachable


async def leader(ctx: Context, req: Nothing) -> Response:
    return Response(
        {
            "ha_enabled": False,
            "is_self": False,
            "leader_address": "",
            "leader_cluster_address": "",
            "performance_standby": False,
            "performance_standby_last_remote_wal": 0,
        },
        bare=True,
    )


ROUTES = (
    Route(
        path="health",
        read=health,
        open=True,
        sealed=True,
        unaudited=True,
        summary="Whether the server can take requests, in the status code.",
    ),
    Route(
        path="leader",
        read=leader,
        open=True,
        sealed=True,
        unaudited=True,
        summary="Which node leads; a single server has no leader.",
    ),
)
