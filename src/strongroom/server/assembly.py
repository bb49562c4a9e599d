"""Assembly: storage → barrier → core → API, and every engine and auth method by name."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from pathlib import Path

from strongroom.api import cors, openapi
from strongroom.api.app import Api
from strongroom.api.remote import Network, Remotes
from strongroom.audit.devices.options import DevicePolicy
from strongroom.audit.devices.outbound import Outbound
from strongroom.audit.log import Log
from strongroom.audit.sinks import Sinks
from strongroom.auth.approle import AppRole
from strongroom.auth.userpass import Userpass
from strongroom.barrier.barrier import Barrier
from strongroom.clock import Clock
from strongroom.core.bootstrap import LOG_NAME, PREFIX
from strongroom.core.core import Core
from strongroom.core.timekeeping import DAY
from strongroom.engines.cubbyhole import Cubbyhole
from strongroom.engines.database import Database
from strongroom.engines.kv import KV
from strongroom.errors import AuditFailed, IntegrityFailure, InvalidRequest
from strongroom.findings import Findings
from strongroom.framework import Engine
from strongroom.inventory import Inventory
from strongroom.jobs import Workers
from strongroom.remediation import Incidents
from strongroom.rotation import RotationEngine
from strongroom.server import fips, loop
from strongroom.server.backup_settings import plan_of
from strongroom.server.config import Config
from strongroom.server.log import OperatorLog
from strongroom.server.pool import Pool
from strongroom.server.problems import StartFailed
from strongroom.server.seals import sealing_for
from strongroom.server.seen import record_acceptance
from strongroom.server.storage import log_name, open_storage
from strongroom.storage.contract import Storage
from strongroom.system.audit import DEVICES, AuditDesk, Device
from strongroom.system.backup import BackupDesk
from strongroom.system.backups import Backups
from strongroom.system.ceremonies import Ceremonies, Permissions
from strongroom.system.engine import system
from strongroom.system.restored import revoke_restored
from strongroom.system.settings import CORS, load_cors
from strongroom.system.tokens import Token

ENGINES: Mapping[str, Engine] = {engine.kind: engine() for engine in (Cubbyhole, Database, KV)}
AUTH_METHODS: Mapping[str, Engine] = {method.kind: method() for method in (Token, Userpass, AppRole)}
_THREADS_PER_CPU = 2


@dataclass(frozen=True, slots=True)
class House:
    """What a running server is made of."""

    core: Core
    api: Api
    ceremonies: Ceremonies
    sinks: Sinks


async def open_house(config: Config, clock: Clock, log: OperatorLog, stack: AsyncExitStack) -> House:
    """Open all of it; `stack` closes it in reverse order. Raises StartFailed."""
    data = Path(config.data) if config.data else _scratch(stack)
    storage = await open_storage(config, data, clock, stack)
    audit = await _open_audit(data / "audit", clock)
    stack.push_async_callback(audit.close)
    pool = Pool(_THREADS_PER_CPU * (os.cpu_count() or 1))
    stack.callback(pool.close)
    barrier = Barrier(storage, clock)
    core = Core(barrier, audit, _engines(config), clock, pool.run, openapi.SERVICES)
    core.initialized = await barrier.initialized()
    core.timekeeper.longest_closed = config.clock.longest_closed_days * DAY
    core.services["ceremonies"] = ceremonies = await _ceremonies(core, storage, config, pool)
    core.services["audit"] = desk = _audit_desk(config, audit, data / "audit", clock, log)
    stack.push_async_callback(desk.sinks.close)
    await record_acceptance(core.auditing, data)
    core.services["jobs"] = workers = Workers(clock, barrier.begin)
    core.closers.append(workers.stop)
    core.openers += [
        partial(revoke_restored, core, storage),
        partial(desk.open, core),
        partial(load_cors, core),
        partial(workers.start, alone=barrier.shared is None),
    ]
    _attach_backups(core, workers, config, storage, data / "backup")
    loop.attach(core, workers, config)
    if core.coherence is not None:
        core.services[LOG_NAME] = log_name(data)
        core.coherence.reloading(f"{PREFIX}{CORS}", partial(load_cors, core))
        core.coherence.reloading(f"{PREFIX}{DEVICES}", partial(desk.follow, core))
    stack.push_async_callback(_seal, core)
    api = Api(
        core.handle,
        report=log.unexpected,
        remotes=Remotes(_networks(config)),
        cors_settings=lambda: core.services.get("cors", cors.Disabled()),
    )
    if barrier.shared is not None:
        stack.callback(barrier.shared.hurry)
    return House(core, api, ceremonies, desk.sinks)


async def _ceremonies(core: Core, storage: Storage, config: Config, pool: Pool) -> Ceremonies:
    """The operator's ceremonies under the seals of the configuration. Raises StartFailed."""
    sealing = await sealing_for(storage, config.seal, pool.run)
    openpgp = not config.crypto.fips
    return Ceremonies(core, storage, core.barrier, config.storage.kind, sealing, openpgp=openpgp)


def _engines(config: Config) -> Mapping[str, Engine]:
    """Every kind by name; auth methods as `auth/<kind>`."""
    operator = config.operator
    unapproved = fips.UNAPPROVED_METHODS if config.crypto.fips else frozenset()
    permissions = Permissions(operator.unauthenticated_rekey, operator.unauthenticated_generate_root)
    return {
        "system": system(permissions),
        Inventory.kind: Inventory(),
        RotationEngine.kind: RotationEngine(),
        Findings.kind: Findings(),
        Incidents.kind: Incidents(),
        **ENGINES,
        **{f"auth/{kind}": AUTH_METHODS[kind] for kind in AUTH_METHODS if kind not in unapproved},
    }


def _attach_backups(core: Core, workers: Workers, config: Config, storage: Storage, directory: Path) -> None:
    """Those that are asked for, and those of the configuration. Raises StartFailed."""
    core.services["backup"] = desk = BackupDesk(storage, directory)
    core.closers.append(desk.clear)
    Backups(core, storage, directory, plan_of(config.backup, config.storage.kind)).attach(workers)


def _audit_desk(config: Config, audit: Log, directory: Path, clock: Clock, log: OperatorLog) -> AuditDesk:
    """The sinks declared in the configuration, running. Raises StartFailed for one that cannot be."""
    settings = config.audit
    below = Path(settings.file_directory) if settings.file_directory else None
    policy = DevicePolicy(Outbound(settings.outbound), clock, below)
    sinks = Sinks(audit, directory, policy, partial(_tell_of_device, log))
    declared = {}
    for device in settings.devices:
        name = f"{device.path.strip('/')}/"
        declared[name] = Device(device.kind, options=device.options)
        try:
            sinks.enable(name, device.kind, device.options)
        except InvalidRequest as error:
            raise StartFailed(
                f"the audit device {name} cannot be used",
                f"{error}",
                "See docs/configuration.md, [[audit.devices]].",
            ) from None
    return AuditDesk(sinks, declared, directory, settings.api_devices)


def _tell_of_device(log: OperatorLog, name: str, error: str) -> None:
    if error:
        log.warning("an audit device takes no entries; it is tried again", device=name, why=error)
    else:
        log.info("an audit device takes entries again", device=name)


async def _seal(core: Core) -> None:
    if not core.sealed:
        await core.seal()


def _scratch(stack: AsyncExitStack) -> Path:
    """A directory that goes with the server, for one that keeps nothing."""
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="strongroom-")))


async def _open_audit(directory: Path, clock: Clock) -> Log:
    try:
        return await Log.open(directory, clock)
    except (OSError, AuditFailed, IntegrityFailure) as error:
        raise StartFailed(
            f"cannot open the audit log in {directory}",
            _reason(error),
            "Check it: strongroom audit verify --help",
        ) from None


def _reason(error: Exception) -> str:
    return error.strerror or "unknown reason" if isinstance(error, OSError) else str(error)


def _networks(config: Config) -> list[Network]:
    try:
        return [ip_network(text) for text in config.proxy.trusted]
    except ValueError:
        raise StartFailed(
            "proxy.trusted holds what is no network",
            "Each entry is an address or a network in CIDR form, without host bits.",
            'Write for example trusted = ["10.0.0.5", "10.1.0.0/16"].',
        ) from None
