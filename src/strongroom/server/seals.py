"""The seals that the configuration names, and the tasks that open the store with them and tend them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from strongroom.barrier.seal.auto.envelope import EnvelopeSeal
from strongroom.barrier.seal.auto.pkcs11 import Run
from strongroom.barrier.seal.auto.transit import Transit
from strongroom.barrier.seal.sealing import AWAY, Sealing
from strongroom.barrier.seal.state import stored_state
from strongroom.errors import NotInitialized, StrongroomError
from strongroom.server.log import OperatorLog
from strongroom.server.problems import StartFailed
from strongroom.server.seal_backends import backends
from strongroom.server.seal_settings import GUIDE, SealSettings, checked
from strongroom.storage.contract import Storage, StorageFull
from strongroom.system.ceremonies import Ceremonies

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
HEALTHY_PAUSE, UNHEALTHY_PAUSE = 600.0, 60.0
"""Between looks at the key services, as in Vault."""

_ILL = "a seal would not open the store"

Wait = Callable[[float], Awaitable[object]]


async def sealing_for(storage: Storage, tables: Sequence[SealSettings], run: Run) -> Sealing:
    """The key services; none where people hold the shares.

    Raises StartFailed for settings that cannot be, and when none of them has sealed the store.
    """
    sealing = Sealing(*backends(checked(tables), run))
    with suppress(NotInitialized):
        state = await stored_state(storage.begin())
        if not sealing.opens(state):
            names = ", ".join(one.name for one in state.held)
            raise StartFailed(
                f"the store is sealed by {names}, which no [[seal]] table names",
                "Without one of these seals it cannot be opened.",
                f"Keep its table; to move away from it, add disabled = true. {GUIDE}",
            )
    return sealing


@asynccontextmanager
async def opening(ceremonies: Ceremonies, log: OperatorLog) -> AsyncIterator[None]:
    """Open the store by its key services whenever that is due, and tend them, for as long as this runs."""
    async with AsyncExitStack() as stack:
        services = [open_when_due(ceremonies, log), tend_while_open(ceremonies, log)]
        for work in (*services, *(keep_alive(one, log) for one in _transits(ceremonies.sealing))):
            task = asyncio.create_task(work)
            stack.push_async_callback(_ended, task)
        yield


async def open_when_due(ceremonies: Ceremonies, log: OperatorLog, wait: Wait = asyncio.sleep) -> None:
    """Try until the store is open. Pauses double up to half a minute and stay there."""
    while True:
        await ceremonies.due.wait()
        pause = FIRST_PAUSE
        while ceremonies.due.is_set():
            if await _open(ceremonies, log, pause):
                ceremonies.due.clear()
                break
            await wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


async def tend_while_open(ceremonies: Ceremonies, log: OperatorLog, wait: Wait = asyncio.sleep) -> None:
    """Look after the key services: at once when the store opens, then from time to time."""
    while True:
        await ceremonies.opened.wait()
        well = await _tend(ceremonies, log)
        await wait(HEALTHY_PAUSE if well else UNHEALTHY_PAUSE)


async def keep_alive(service: Transit, log: OperatorLog, wait: Wait = asyncio.sleep) -> None:
    """Renew the token of a transit seal for as long as it has an end."""
    told = ""
    while True:
        try:
            pause, why = await service.keep(), ""
        except StrongroomError as error:
            pause, why = UNHEALTHY_PAUSE, str(error)
        if why and why != told:
            log.warning("the token of the transit seal was not renewed", why=why)
        told = why
        await wait(HEALTHY_PAUSE if pause is None else pause)


async def _open(ceremonies: Ceremonies, log: OperatorLog, pause: float) -> bool:
    """One attempt; whether there is nothing left to try."""
    kind = ceremonies.unsealer.kind
    try:
        status = await ceremonies.unsealer.status()
        if status.migrating:
            if pause == FIRST_PAUSE:
                log.warning("a seal migration is pending: it takes operator unseal --migrate", to=kind)
            return False  # a quorum may hand it in to another node
        if not status.initialized:
            return False
        if not status.automatic:
            return True
        await ceremonies.open()
    except AWAY as error:
        log.warning("the seal does not open yet", seal=kind, why=str(error), again_in_seconds=int(pause))
        return False
    except StrongroomError as error:
        # A wrong PIN tried again locks the token; a wrong key stays wrong.
        log.error("the seal does not open; not tried again", seal=kind, why=str(error))
        return True
    _tell_opened(ceremonies, log)
    return True


def _tell_opened(ceremonies: Ceremonies, log: OperatorLog) -> None:
    """The store is open; which seals did not open it."""
    log.info("unsealed", seal=ceremonies.unsealer.kind)
    for name, health in ceremonies.tending.health.items():
        if not health.healthy:
            log.warning(_ILL, seal=name, why=health.why)


async def _tend(ceremonies: Ceremonies, log: OperatorLog) -> bool:
    """One look; whether every service is well."""
    tending = ceremonies.tending
    before = dict(tending.health)
    try:
        if await tending.tend():
            log.info("the seals that hold the root key are up to date", seal=ceremonies.unsealer.kind)
    except (StrongroomError, StorageFull) as error:
        log.warning("the seals were not looked after", why=str(error))
        return False
    for name, health in tending.health.items():
        known = before.get(name)
        if known is None or known.healthy is not health.healthy:
            if not health.healthy:
                log.warning(_ILL, seal=name, why=health.why)
            elif known is not None:
                log.info("a seal answers again", seal=name)
    return tending.well


def _transits(sealing: Sealing) -> list[Transit]:
    wrapped = [one.seal.service for one in sealing.backends if isinstance(one.seal, EnvelopeSeal)]
    return [service for service in wrapped if isinstance(service, Transit)]


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
