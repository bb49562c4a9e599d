"""What a node has seen of a shared store, kept beside its audit log: a store that has gone back is noticed.

After a recovery to an earlier moment the audit log tells of changes that the store does not hold. The
server then does not start until someone has accepted that; the audit log says so too.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from msgspec import DecodeError, Struct, json

from strongroom.clock import Clock, rfc3339
from strongroom.server.problems import StartFailed
from strongroom.storage.files import private_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from strongroom.core.auditing import Auditing
    from strongroom.storage.postgresql.storage import PostgresqlStorage

log = logging.getLogger(__name__)

FILE, ACCEPTED = "store.position", "store.position.accepted"
PULSE_SECONDS = 1.0


class Seen(Struct, frozen=True):
    """A store by its id, the number of its latest change that this node has heard of, and when."""

    store: str
    change: int
    at: str


def check(data: Path, store: str, change: int, written: str) -> None:
    """Raise StartFailed when the store is behind what this node has seen, or another one.

    `change` is its latest, which was written at `written`.
    """
    seen = _read(data / FILE)
    if seen is None or (seen.store == store and seen.change <= change):
        return
    missing = (
        f"This node has seen change {seen.change}, at {seen.at}: {seen.change - change} are missing."
        if seen.store == store
        else f"This node has worked on another store, up to {seen.at}."
    )
    raise StartFailed(
        "the database is behind what this node has seen",
        f"It is at change {change}{f', written at {written}' if written else ''}. {missing}",
        f"The audit log in {data / 'audit'} tells of them. If you went back on purpose: "
        f"mv {data / FILE} {data / ACCEPTED}; see docs/ha.md, A point in time.",
    )


@asynccontextmanager
async def watching(storage: PostgresqlStorage, data: Path, clock: Clock) -> AsyncIterator[None]:
    """Keep the position in its file, as it moves; what cannot be written is told once and tried again."""
    noted, failed = 0, False
    private_directory(data)

    def note() -> None:
        nonlocal noted, failed
        position = storage.position
        if position <= noted:
            return
        partial = data / f".{FILE}"
        try:
            partial.write_bytes(json.encode(Seen(storage.identity, position, rfc3339(int(clock.now())))))
            partial.rename(data / FILE)
        except OSError as error:
            if not failed:
                log.warning("%s cannot be written, it is tried again: %s", data / FILE, error.strerror)
            failed = True
        else:
            noted, failed = position, False

    async def follow() -> None:
        while True:
            await asyncio.sleep(PULSE_SECONDS)
            await asyncio.to_thread(note)

    task = asyncio.create_task(follow())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        note()


async def record_acceptance(auditing: Auditing, data: Path) -> None:
    """Where someone accepted an earlier store: say so in the audit log, once."""
    seen = _read(data / ACCEPTED)
    if seen is not None:
        facts: dict[str, str | int] = {"store": seen.store, "change": seen.change, "seen": seen.at}
        await auditing.event("accept-earlier-store", "sys/storage", facts)
        (data / ACCEPTED).unlink()


def _read(path: Path) -> Seen | None:
    if not path.exists():
        return None
    try:
        return json.decode(path.read_bytes(), type=Seen)
    except (DecodeError, OSError) as error:
        raise StartFailed(
            f"{path} cannot be read",
            f"It holds what this node has seen of the database ({type(error).__name__}).",
            f"If the database has not gone back: rm {path}; see docs/ha.md, A point in time.",
        ) from None
