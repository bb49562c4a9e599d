"""`sys/seal-backend-status`, `sys/sealwrap/rewrap`: the key services that open the store.

Source: Vault's API pages /sys/seal-backend-status and /sys/sealwrap/rewrap. The status is what was found
when the services were last asked, so reading it asks none of them.
"""

from typing import Any

from strongroom.barrier.seal.sealing import Backend
from strongroom.barrier.seal.tending import Health
from strongroom.clock import rfc3339
from strongroom.framework import Context, Nothing, Response, Route
from strongroom.system.ceremonies import Ceremonies
from strongroom.system.operator import ceremonies

_UNKNOWN = Health(healthy=False)


def _backend(desk: Ceremonies, backend: Backend) -> dict[str, Any]:
    health = desk.tending.health.get(backend.name, _UNKNOWN)
    return {
        "name": backend.name,
        "type": backend.seal.kind,
        "configured": True,
        "disabled": backend.disabled,
        "healthy": health.healthy,
        **({"unhealthy_since": rfc3339(health.since)} if health.since else {}),
    }


async def backend_status(ctx: Context, req: Nothing) -> Response:
    desk = ceremonies(ctx)
    shown = [_backend(desk, backend) for backend in desk.sealing.backends]
    left = [
        {"name": one.name, "type": one.kind, "configured": False, "disabled": False, "healthy": False}
        for one in await desk.unsealer.unconfigured()
    ]
    since = [one["unhealthy_since"] for one in shown if "unhealthy_since" in one]
    body: dict[str, Any] = {
        "healthy": desk.tending.well or not desk.sealing.automatic,
        "fully_wrapped": desk.tending.fully_wrapped or not desk.sealing.automatic,
        "backends": shown + left,
    }
    if since:
        body["unhealthy_since"] = min(since)
    return Response(body, bare=True)


async def rewrap(ctx: Context, req: Nothing) -> Response:
    await ceremonies(ctx).rewrap()
    return Response()


async def rewrap_status(ctx: Context, req: Nothing) -> Response:
    desk = ceremonies(ctx)
    wanted = len(desk.sealing.enabled)
    wrapped = (
        wanted if desk.tending.fully_wrapped else sum(one.healthy for one in desk.tending.health.values())
    )
    counts = {"processed": wanted, "succeeded": wrapped, "failed": wanted - wrapped}
    return Response({"is_running": False, "entries": counts}, doubled=True)


ROUTES = (
    Route(
        path="seal-backend-status",
        read=backend_status,
        open=True,
        sealed=True,
        summary="Which key services would open the store.",
    ),
    Route(
        path="sealwrap/rewrap",
        read=rewrap_status,
        write=rewrap,
        sudo=True,
        summary="Wrap the root key anew, under the newest version of each seal's key.",
    ),
)
