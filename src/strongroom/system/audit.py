"""`sys/audit`, `sys/audit-hash` and the log's own proofs at `sys/audit-log`.

Devices created here need `[audit] api_devices = true`; the log itself is always on.
Source: Vault's API pages /sys/audit and /sys/audit-hash.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from msgspec import Struct

from strongroom.audit import evidence
from strongroom.audit.devices.options import visible_options
from strongroom.audit.sinks import Sinks
from strongroom.core.bootstrap import view
from strongroom.core.core import Core
from strongroom.errors import IntegrityFailure, InvalidRequest, NotFound, PermissionDenied
from strongroom.framework import Context, Fields, Nothing, Pairs, Raw, Response, Route
from strongroom.system.house import core, own

DEVICES = "audit-devices"
MAX_ENTRIES = 1000


class Device(Struct, frozen=True):
    """An audit device. `options` may hold credentials of the destination."""

    type: str
    description: str = ""
    options: dict[str, str] = {}
    local: bool = False

    def __repr__(self) -> str:
        return f"Device({self.type})"


class Devices(Struct, frozen=True):
    """The devices created through the API, by name."""

    devices: dict[str, Device]


@dataclass(frozen=True, slots=True)
class AuditDesk:
    """What these routes need of the server: the sinks, those declared in the file, and the log's place."""

    sinks: Sinks
    declared: Mapping[str, Device]
    directory: Path
    api_devices: bool

    def start(self, name: str, device: Device) -> None:
        """Feed a device, unless it is fed already."""
        if name not in self.sinks.status():
            self.sinks.enable(name, device.type, device.options)

    async def open(self, house: Core) -> None:
        """Feed the devices that were created through the API; called at unseal."""
        if self.api_devices:
            for name, device in (await stored(house)).items():
                self.start(name, device)

    async def follow(self, house: Core) -> None:
        """Feed what another node has created, and no longer what it has removed."""
        if self.api_devices:
            wanted = {**self.declared, **await stored(house)}
            for name in set(self.sinks.status()) - set(wanted):
                await self.sinks.disable(name)
            await self.open(house)


async def stored(house: Core) -> dict[str, Device]:
    """The devices created through the API."""
    found = await view(house.barrier.begin()).find(DEVICES, Devices)
    return dict(found.devices) if found else {}


class Named(Fields, frozen=True):
    """A device's path."""

    path: str


class Enable(Fields, frozen=True):
    """A new device."""

    path: str
    type: str
    description: str = ""
    options: Pairs | None = None
    local: bool = False


class ToHash(Fields, frozen=True):
    """A value whose hash is wanted, as the log would write it."""

    path: str
    input: str


class Entry(Fields, frozen=True):
    """An entry's sequence."""

    seq: int


class Window(Fields, frozen=True):
    """Entries from `start` on, at most `limit`."""

    start: int = 0
    limit: int = 100


class Between(Fields, frozen=True):
    """An older signed checkpoint, as text."""

    old: str


def desk(ctx: Context) -> AuditDesk:
    """The server's audit desk."""
    found = core(ctx).services["audit"]
    if not isinstance(found, AuditDesk):
        raise TypeError("the server was assembled without an audit desk")
    return found


async def list_devices(ctx: Context, req: Nothing) -> Response:
    known = {**desk(ctx).declared, **await stored(core(ctx))}
    return Response(
        {
            name: {
                "path": name,
                "type": device.type,
                "description": device.description,
                "options": visible_options(device.options),
                "local": device.local,
            }
            for name, device in sorted(known.items())
        },
        doubled=True,
    )


async def device_status(ctx: Context, req: Nothing) -> Response:
    """Tell of each device the next entry it gets, how many wait, and why if it fails."""
    found = desk(ctx).sinks.status()
    return Response({name: asdict(status) for name, status in sorted(found.items())})


async def enable(ctx: Context, req: Enable) -> Response:
    office = desk(ctx)
    if not office.api_devices:
        raise PermissionDenied(
            "audit devices are declared in the server's configuration; "
            "set [audit] api_devices = true to allow them here"
        )
    name = f"{req.path.strip('/')}/"
    kept = await own(ctx).find(DEVICES, Devices)
    known = dict(kept.devices) if kept else {}
    if name in known or name in office.declared:
        raise InvalidRequest(f"path already in use: {name}")
    device = Device(req.type, req.description, dict(req.options or {}), req.local)
    office.sinks.check(device.type, device.options)
    own(ctx).put(DEVICES, Devices({**known, name: device}))
    ctx.after_commit(lambda: office.start(name, device))
    return Response()


async def disable(ctx: Context, req: Named) -> Response:
    office, name = desk(ctx), f"{req.path.strip('/')}/"
    if name in office.declared:
        raise InvalidRequest(f"{name} is declared in the server's configuration; remove it there")
    kept = await own(ctx).find(DEVICES, Devices)
    known = dict(kept.devices) if kept else {}
    if name not in known:
        return Response()
    del known[name]
    own(ctx).put(DEVICES, Devices(known))
    ctx.after_commit(lambda: _stop(office, name))
    return Response()


async def _stop(office: AuditDesk, name: str) -> None:
    if name in office.sinks.status():
        await office.sinks.disable(name)


async def audit_hash(ctx: Context, req: ToHash) -> Response:
    house, name = core(ctx), f"{req.path.strip('/')}/"
    if name != "log/" and name not in {**desk(ctx).declared, **await stored(house)}:
        raise InvalidRequest(f'unknown audit backend "{name}"')
    return Response({"hash": house.auditing.hasher.text(req.input)}, doubled=True)


async def checkpoint(ctx: Context, req: Nothing) -> Response:
    return Response({"checkpoint": await core(ctx).auditing.log.checkpoint()})


async def prove(ctx: Context, req: Entry) -> Response:
    note = await core(ctx).auditing.log.checkpoint()
    proof = await asyncio.to_thread(evidence.prove_inclusion, desk(ctx).directory, req.seq, note)
    return Response(raw=Raw("application/json", evidence.encode_proof(proof)))


async def consistency(ctx: Context, req: Between) -> Response:
    note = await core(ctx).auditing.log.checkpoint()
    try:
        proof = await asyncio.to_thread(evidence.prove_consistency, desk(ctx).directory, req.old, note)
    except IntegrityFailure as error:  # the caller's checkpoint is none, or is not of this log
        raise InvalidRequest(str(error)) from None
    return Response(raw=Raw("application/json", evidence.encode_proof(proof)))


async def entries(ctx: Context, req: Window) -> Response:
    if not (req.start >= 0 and 1 <= req.limit <= MAX_ENTRIES):
        raise InvalidRequest(f"'start' is 0 or more and 'limit' between 1 and {MAX_ENTRIES}")
    size = core(ctx).auditing.log.size
    lines = await asyncio.to_thread(evidence.read_entries, desk(ctx).directory, req.start, req.limit, size)
    if not lines:
        raise NotFound
    # As one raw body: hashed leaf by leaf, each reading of the log would add the log to the log.
    body = b'{"data":{"entries":[%b]}}' % b",".join(line.strip() for line in lines)
    return Response(raw=Raw("application/json", body), facts={"start": req.start, "entries": len(lines)})


ROUTES = (
    Route(path="audit", read=list_devices, sudo=True, summary="List audit devices."),
    Route(
        path="audit/{path:path}",
        write=enable,
        delete=disable,
        sudo=True,
        summary="Create or remove an audit device.",
    ),
    Route(
        path="audit-hash/{path:path}",
        write=audit_hash,
        summary="The hash of a value as the audit log writes it; the log itself is `log`.",
    ),
    Route(
        path="audit-log/devices",
        read=device_status,
        sudo=True,
        summary="How far each audit device is behind.",
    ),
    Route(path="audit-log/checkpoint", read=checkpoint, summary="A signed checkpoint of the audit log."),
    Route(path="audit-log/proof/{seq}", read=prove, summary="Proof that an entry is in the audit log."),
    Route(
        path="audit-log/consistency",
        write=consistency,
        summary="Proof that the log only grew since an older checkpoint.",
    ),
    Route(path="audit-log/entries", read=entries, sudo=True, summary="Entries of the audit log."),
)
