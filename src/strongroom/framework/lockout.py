"""Lockout: a login name is closed for a while after too many failures.

Each attempt is charged durably before the secret is checked, and refunded when it
was right. A name that does not exist is charged the same way, in one of 65,536
shared counters, so that strangers fill a bounded place and see no difference.
Source: Vault's user lockout; defaults 5 failures, 15 minutes, reset after 15 minutes.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

from msgspec import Struct

from strongroom.barrier.view import View
from strongroom.crypto.mac import hmac_sha256
from strongroom.errors import PermissionDenied
from strongroom.framework.context import Context, Mount
from strongroom.framework.wire import seconds

MINUTES = 60
NAMES = "lockout/name/"

# Attempts on one name take turns, so that a fleet signing in at once with the right
# password does not charge itself out; a gate lives as long as someone waits at it.
_gates: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()


class Attempts(Struct, frozen=True):
    """Charged attempts since the last success or reset, and when the last one was."""

    count: int
    last: float


@dataclass(frozen=True, slots=True)
class Limits:
    """When a name is closed; times in seconds."""

    threshold: int = 5
    duration: int = 15 * MINUTES
    reset: int = 15 * MINUTES
    enabled: bool = True


def limits_of(tuned: Mapping[str, object]) -> Limits:
    """The mount's limits. What it does not name, or names as 0, is the default."""
    disabled = tuned.get("lockout_disable", tuned.get("disable_lockout", False))
    reset = tuned.get("lockout_counter_reset_duration", tuned.get("lockout_counter_reset", 0))
    plain = Limits()
    return Limits(
        threshold=seconds(tuned.get("lockout_threshold", 0)) or plain.threshold,
        duration=seconds(tuned.get("lockout_duration", 0)) or plain.duration,
        reset=seconds(reset) or plain.reset,
        enabled=str(disabled).lower() not in ("true", "1"),
    )


@asynccontextmanager
async def attempt(ctx: Context, name: str, *, known: bool) -> AsyncIterator[None]:
    """Charge an attempt on a canonical name; leave the block without an error to refund it.

    Raises PermissionDenied while the name is closed.
    """
    limits = limits_of(ctx.mount.config.user_lockout)
    if not limits.enabled:
        yield
        return
    key = _key(ctx, name, known=known)
    gate = _gates.setdefault((ctx.mount.uuid, key), asyncio.Lock())
    async with gate:
        count = await _charge(ctx, key, limits)
        yield
        if count > 1:
            async with ctx.separately() as view:
                view.delete(key)
        else:
            ctx.storage.delete(key)


async def locked_names(view: View, limits: Limits, now: float) -> list[str]:
    """The names of a mount, whose storage is `view`, that are closed now."""
    found = []
    names = view.sub(NAMES)
    for name in await names.list() if limits.enabled else ():
        attempts = await names.find(name, Attempts)
        if attempts is not None and _closed(attempts, limits, now):
            found.append(name)
    return found


def unlock(view: View, mount: Mount, name: str) -> None:
    """Open a name again, whether a user has it or not."""
    view.delete(f"{NAMES}{name}")
    view.delete(_bucket(mount, name))


async def _charge(ctx: Context, key: str, limits: Limits) -> int:
    """Count this attempt, durably, and return the new count."""
    now = ctx.now()
    async with ctx.separately() as view:
        found = await view.find(key, Attempts) or Attempts(0, now)
        if _closed(found, limits, now):
            raise PermissionDenied("permission denied")
        if found.count >= limits.threshold or now >= found.last + limits.reset:
            found = Attempts(0, now)
        view.put(key, Attempts(found.count + 1, now))
    return found.count + 1


def _closed(attempts: Attempts, limits: Limits, now: float) -> bool:
    return attempts.count >= limits.threshold and now < attempts.last + limits.duration


def _key(ctx: Context, name: str, *, known: bool) -> str:
    return f"{NAMES}{name}" if known else _bucket(ctx.mount, name)


def _bucket(mount: Mount, name: str) -> str:
    return f"lockout/unknown/{hmac_sha256(mount.uuid.encode(), name.encode())[:2].hex()}"
