"""What the server says of itself: host, versions, catalog, OpenAPI, metrics.

Source: Vault's API pages /sys/host-info, /sys/version-history, /sys/plugins/catalog, /sys/metrics.
"""

import os
import platform
import resource
import shutil
import time
from pathlib import Path
from typing import Any, Literal

from strongroom import __version__
from strongroom.clock import rfc3339
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Context, Fields, Nothing, Raw, Response, Route
from strongroom.system.house import core, realm
from strongroom.system.operator import BUILD_DATE, VAULT_VERSION

AUTH = "auth/"


class Catalog(Fields, frozen=True):
    """A kind of engine, by name or by type and name."""

    name: str = ""
    type: str = ""


class MetricsFormat(Fields, frozen=True):
    """Prometheus' text, or the same numbers as JSON."""

    format: Literal["prometheus", "json", ""] = ""


async def host_info(ctx: Context, req: Nothing) -> Response:
    disk = shutil.disk_usage("/")
    memory = _memory()
    system = platform.uname()
    return Response(
        {
            "timestamp": rfc3339(ctx.now()),
            "cpu": [
                {"cpu": number, "modelName": platform.processor()} for number in range(os.cpu_count() or 1)
            ],
            "cpu_times": [{"cpu": "cpu-total", "user": os.times().user, "system": os.times().system}],
            "disk": [{"path": "/", "total": disk.total, "free": disk.free, "used": disk.used}],
            "host": {
                "hostname": system.node,
                "os": system.system.lower(),
                "kernelVersion": system.release,
                "kernelArch": system.machine,
                "uptime": int(time.monotonic()),
            },
            "memory": memory,
        },
        doubled=True,
    )


def _memory() -> dict[str, int]:
    """Bytes of memory, from /proc."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    total, free = kilobytes["MemTotal"] * 1024, kilobytes["MemAvailable"] * 1024
    return {
        "total": total,
        "available": free,
        "used": total - free,
        "swapTotal": kilobytes["SwapTotal"] * 1024,
        "process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


async def version_history(ctx: Context, req: Nothing) -> Response:
    about = {"build_date": BUILD_DATE, "previous_version": None, "strongroom_version": __version__}
    return Response({"keys": [VAULT_VERSION], "key_info": {VAULT_VERSION: about}})


def _kinds(ctx: Context) -> dict[str, list[str]]:
    names = [name for name, engine in core(ctx).engines.items() if not engine.trusted]
    return {
        "auth": sorted(name.removeprefix(AUTH) for name in names if name.startswith(AUTH)),
        "database": [],
        "secret": sorted(name for name in names if not name.startswith(AUTH)),
    }


def _detail(name: str, kind: str) -> dict[str, Any]:
    return {
        "builtin": True,
        "deprecation_status": "supported",
        "name": name,
        "type": kind,
        "version": f"v{VAULT_VERSION}",
    }


async def catalog(ctx: Context, req: Nothing) -> Response:
    kinds = _kinds(ctx)
    detailed = [_detail(name, kind) for kind, names in kinds.items() for name in names]
    return Response({**kinds, "detailed": detailed})


async def catalog_entry(ctx: Context, req: Catalog) -> Response:
    kinds = _kinds(ctx)
    for kind, names in kinds.items():
        if req.name in names and req.type in ("", kind):
            return Response(_detail(req.name, kind) | {"args": [], "command": "", "sha256": ""})
    if req.name in kinds and not req.type:
        return Response({"keys": kinds[req.name]})
    raise NotFound


async def openapi(ctx: Context, req: Nothing) -> Response:
    house = core(ctx)
    document = house.services["openapi"]([(path, type(engine)) for path, engine in realm(ctx).router.every()])
    return Response(document, bare=True)


async def metrics(ctx: Context, req: MetricsFormat) -> Response:
    from strongroom.system import exposition  # noqa: PLC0415 (its library is for those who scrape)

    house = core(ctx)
    if req.format == "json":
        return Response(exposition.numbers(house), bare=True)
    if req.format not in ("", "prometheus"):
        raise InvalidRequest("format is 'prometheus' or 'json'")
    return Response(raw=Raw(exposition.CONTENT_TYPE, exposition.text(house)))


IN_NAMESPACES = (
    Route(path="plugins/catalog", read=catalog, summary="The kinds of engines there are."),
    Route(
        path="plugins/catalog/{type}/{name}", read=catalog_entry, summary="One kind of engine, by its type."
    ),
    Route(path="plugins/catalog/{name}", read=catalog_entry, summary="One kind of engine."),
    Route(path="internal/specs/openapi", read=openapi, summary="This API as an OpenAPI document."),
)
ROUTES = (
    Route(path="host-info", read=host_info, sudo=True, summary="The host the server runs on."),
    Route(path="version-history/", list=version_history, summary="The versions that ran on this store."),
    *IN_NAMESPACES,
    Route(path="metrics", read=metrics, summary="Counters and timings, for Prometheus."),
)
