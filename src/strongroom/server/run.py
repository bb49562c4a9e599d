"""One server's life: harden, open, listen, obey signals, drain, close.

SIGTERM and SIGINT drain; SIGHUP reads the certificates again and reopens audit files.
"""

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import uvloop

from strongroom.clock import SystemClock
from strongroom.server import fips, tls
from strongroom.server.address import Address, bind, parse
from strongroom.server.assembly import House, open_house
from strongroom.server.config import Config
from strongroom.server.dev import Opened, keep, kept, open_for_development, reopen
from strongroom.server.hardening import harden, room_for_connections
from strongroom.server.limits import Limits
from strongroom.server.listener import Listener
from strongroom.server.log import OperatorLog
from strongroom.server.problems import StartFailed
from strongroom.server.relay import relaying
from strongroom.server.seals import opening
from strongroom.server.telemetry import tracing
from strongroom.server.warnings import single_share, warnings

_GC_THRESHOLD = 50_000


class Development:
    """How `--dev` differs: the root token's text, and who is told what was opened."""

    def __init__(self, root_token_id: str, announce: Callable[[Opened, Address], None]) -> None:
        self.root_token_id = root_token_id
        self.announce = announce


def run(config: Config, *, config_file: Path | None = None, development: Development | None = None) -> None:
    """Serve until told to stop. Raises StartFailed when it cannot begin."""
    harden()
    log = OperatorLog(config.log.format, config.log.level)
    address = parse(config.listen)
    _check(config, address, development)
    for sentence in warnings(config, address, config_file):
        log.warning(sentence)
    with relaying(log), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(config, address, log, development))


def _check(config: Config, address: Address, development: Development | None) -> None:
    """Refuse what would be unsafe rather than warn of it."""
    if config.crypto.fips:
        fips.require()
    if development is not None and not address.loopback:
        raise StartFailed(
            f"development mode does not listen on {address}",
            "It is unsealed and its root token is on the screen, so only this machine may reach it.",
            "Use --listen 127.0.0.1:8200, or a real server with TLS.",
        )
    automatic = [table.kind for table in config.seal if table.kind != "shamir"]
    if development is not None and automatic:
        raise StartFailed(
            f"development mode does not use a {automatic[0]} seal",
            "It opens itself with a key share that it keeps or shows.",
            "Drop --dev, or the [[seal]] tables.",
        )
    if not config.tls_cert and not address.loopback and not config.plain_http:
        raise StartFailed(
            f"plain HTTP is refused on {address}",
            "Anyone on the network path could read tokens and secrets.",
            "Give --tls-cert and --tls-key, or set plain_http = true behind a proxy that ends TLS.",
        )
    if not config.data and config.storage.kind != "memory":
        raise StartFailed(
            "there is no place to keep data",
            "No data directory is set.",
            "Give --data DIR, or try it out with --dev.",
        )


async def _serve(config: Config, address: Address, log: OperatorLog, development: Development | None) -> None:
    async with AsyncExitStack() as stack:
        context = tls.context(config)
        listening = bind(address)
        stack.callback(listening.close)
        bound = Address(address.host, listening.getsockname()[1])
        await stack.enter_async_context(tracing(config.telemetry, shared=config.storage.kind == "postgresql"))
        house = await open_house(config, SystemClock(), log, stack)
        if development is not None:
            await _open_for_development(house, config, bound, development)
        await stack.enter_async_context(opening(house.ceremonies, log))
        listener = Listener(house.api, fitting(config.limits, log), tls=context)
        house.core.closers.append(listener.repeats.clear)
        stopping = _obey_signals(listener, house, config, log)
        await listener.start(listening)
        stack.push_async_callback(listener.stop)
        _settle_memory()
        await _report_start(config, bound, house, log)
        await stopping.wait()
        log.info("draining", seconds=config.limits.drain_seconds)
    log.info("stopped")


async def _open_for_development(
    house: House, config: Config, bound: Address, development: Development
) -> None:
    door, data = house.core.handle, Path(config.data) if config.data else None
    if house.core.initialized:
        opened = kept(data) if data else None
        if opened is None:
            raise StartFailed(
                "development mode needs an empty data directory, or one of its own",
                "This one is initialised already, and its key shares are not known here.",
                "Drop --dev and unseal it, or choose another --data.",
            )
        await reopen(door, opened)
    else:
        opened = await open_for_development(door, development.root_token_id)
        if data is not None:
            keep(data, opened)
    development.announce(opened, bound)


def fitting(limits: Limits, log: OperatorLog) -> Limits:
    """No more connections than open files allow: past that the store and the log could not open theirs."""
    room = room_for_connections()
    if limits.connections <= room:
        return limits
    log.info("the limit of open files allows fewer connections", asked=limits.connections, allowed=room)
    return msgspec.structs.replace(limits, connections=room)


def _obey_signals(listener: Listener, house: House, config: Config, log: OperatorLog) -> asyncio.Event:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        house.sinks.reopen()
        task = loop.create_task(_reload(listener, config, log))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGINT, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    return stopping


async def _reload(listener: Listener, config: Config, log: OperatorLog) -> None:
    """Take new certificates; with bad ones the old ones stay."""
    try:
        context = tls.context(config)
    except StartFailed as error:
        log.error("certificates not reloaded", what=error.what, why=error.why)
        return
    if context is not None:
        await listener.replace_certificates(context)
    log.info("certificates reloaded" if context is not None else "nothing to reload")


def _settle_memory() -> None:
    """What lives as long as the server is not looked at by each collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)


async def _report_start(config: Config, bound: Address, house: House, log: OperatorLog) -> None:
    scheme = "https" if config.tls_cert else "http"
    if config.data and house.core.initialized:
        status = await house.ceremonies.unsealer.status()
        sentence = None if status.automatic else single_share(status.shares)
        if sentence is not None:
            log.warning(sentence)
    log.info("listening", address=f"{scheme}://{bound}", sealed="yes" if house.core.sealed else "no")
