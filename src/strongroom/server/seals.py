"""The seal that the configuration names, and the task that opens the store with it."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from strongroom.barrier.seal.auto.keyfile import KeyFileSeal
from strongroom.barrier.seal.auto.pkcs11 import Pkcs11Seal, Run
from strongroom.barrier.seal.state import Seal, stored_state
from strongroom.errors import NotInitialized, RateLimited, StrongroomError, Unavailable, UpstreamFailed
from strongroom.sensitive import Sensitive
from strongroom.server.config import SealSettings
from strongroom.server.log import OperatorLog
from strongroom.server.problems import StartFailed
from strongroom.storage.contract import Storage
from strongroom.system.ceremonies import Ceremonies

PIN_VARIABLE = "STRONGROOM_SEAL_PIN"
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
_GUIDE = "See docs/seal.md, Auto-unseal."
_KEYS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "shamir": (frozenset(), frozenset()),
    "keyfile": (frozenset({"key_file"}), frozenset()),
    "pkcs11": (frozenset({"library", "token", "key_label"}), frozenset({"pin_file"})),
}
"""What each kind needs, and what it may have."""

Wait = Callable[[float], Awaitable[object]]


async def seal_for(storage: Storage, settings: SealSettings, run: Run) -> Seal | None:
    """The key service, or None where people hold the shares.

    Raises StartFailed for settings that cannot be, and for another kind than the store's.
    """
    service = _seal_of(settings, run)
    await _check_stored(storage, service)
    return service


def _seal_of(settings: SealSettings, run: Run) -> Seal | None:
    _check(settings)
    if settings.kind == "keyfile":
        return KeyFileSeal(Path(settings.key_file))
    if settings.kind == "shamir":
        return None
    if find_spec("pkcs11") is None:
        raise StartFailed(
            "the pkcs11 seal needs a package that is not installed",
            "python-pkcs11 is not found.",
            'Install it with: pip install "strongroom[pkcs11]"',
        )
    pin = _pin(settings.pin_file, os.environ)
    return Pkcs11Seal(settings.library, settings.token, settings.key_label, pin, run)


async def _check_stored(storage: Storage, service: Seal | None) -> None:
    with suppress(NotInitialized):
        state = await stored_state(storage.begin())
        wanted = "shamir" if service is None else service.kind
        if state.kind != wanted:
            raise StartFailed(
                f"the store is sealed by {state.kind}, and seal.kind is {wanted}",
                "Moving a store from one kind of seal to another is not supported.",
                f"Set kind to {state.kind} in [seal]. " + _GUIDE,
            )


@asynccontextmanager
async def opening(ceremonies: Ceremonies, log: OperatorLog) -> AsyncIterator[None]:
    """Open the store by its key service for as long as this runs, whenever it is due."""
    task = asyncio.create_task(open_when_due(ceremonies, log))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


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


async def _open(ceremonies: Ceremonies, log: OperatorLog, pause: float) -> bool:
    """One attempt; whether there is nothing left to try."""
    kind = ceremonies.unsealer.kind
    try:
        await ceremonies.open()
    except (UpstreamFailed, Unavailable, RateLimited) as error:
        log.warning("the seal does not open yet", seal=kind, why=str(error), again_in_seconds=int(pause))
        return False
    except StrongroomError as error:
        # A wrong PIN tried again locks the token; a wrong key stays wrong.
        log.error("the seal does not open; not tried again", seal=kind, why=str(error))
        return True
    log.info("unsealed", seal=kind)
    return True


def _check(settings: SealSettings) -> None:
    needed, allowed = _KEYS[settings.kind]
    given = {name for name in settings.__struct_fields__ if name != "kind" and getattr(settings, name)}
    missing, foreign = sorted(needed - given), sorted(given - needed - allowed)
    if missing:
        raise StartFailed(f"the {settings.kind} seal lacks {missing[0]}", "[seal] does not set it.", _GUIDE)
    if foreign:
        raise StartFailed(
            f"{foreign[0]} is no key of the {settings.kind} seal", "It would have no effect.", _GUIDE
        )


def _pin(file: str, environment: Mapping[str, str]) -> Callable[[], Sensitive[str]]:
    """Reads the PIN anew at each use: from its file, else from the environment."""

    def pin() -> Sensitive[str]:
        if not file:
            found = environment.get(PIN_VARIABLE, "")
            if not found:
                raise UpstreamFailed(f"no PIN: set seal.pin_file, or {PIN_VARIABLE} in the environment")
            return Sensitive(found)
        try:
            return Sensitive(Path(file).read_text(encoding="utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError):
            raise UpstreamFailed(f"cannot read the PIN from {file}") from None

    return pin
