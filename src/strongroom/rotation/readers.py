"""Who reads rotated credentials that the inventory does not watch: static roles, and plans' own paths.

Kept in memory and written in groups: a read costs one look-up in a table. What a crash loses
is the last seconds of it; a rotation's grace then lasts to its limit.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import Sealed
from strongroom.framework import Caller, Mount, Operation, Request, Response
from strongroom.rotation.neighbours import Consumer
from strongroom.rotation.record import view
from strongroom.storage.contract import Conflict

FLUSH_SECONDS = 5.0
MAX_READERS = 256
MAX_GATHERED = 10_000
RERUNS = 20


class Seen(Struct, frozen=True, array_like=True):
    """The newest version one identity has fetched, and when they last read."""

    version: int
    last: float


class Known(Struct, frozen=True):
    """A secret's readers by name."""

    readers: dict[str, Seen] = {}


class Readers:
    """Watches answers; `begin` and `now` are the core's."""

    def __init__(self, begin: Callable[[], BarrierTransaction], now: Callable[[], float]) -> None:
        self._begin = begin
        self._now = now
        self._gathered: dict[tuple[str, str], Seen] = {}
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def answered(self, request: Request, mount: Mount, caller: Caller, response: Response) -> None:
        """Note a read of a static role's or a plan's credential."""
        if request.operation is not Operation.READ or "version" not in response.facts:
            return
        place = _place(mount, request.path)
        if place and (len(self._gathered) < MAX_GATHERED):
            name = identity_of(caller)
            self._gathered[place, name] = Seen(int(response.facts["version"]), self._now())
            if self._task is None or self._task.done():
                self._task = asyncio.get_running_loop().create_task(self._soon())

    async def of(self, tx: BarrierTransaction, place: str) -> list[Consumer]:
        """A secret's readers, as written so far."""
        known = await view(tx).find(f"readers/{place}", Known) or Known()
        return [Consumer(name, seen.version, seen.last) for name, seen in known.readers.items()]

    async def flush(self) -> None:
        """Write down what was gathered."""
        async with self._turn:
            taken, self._gathered = self._gathered, {}
            for _ in range(RERUNS if taken else 0):
                try:
                    await self._write(taken)
                except Conflict:
                    continue
                return
            self._gathered = {**taken, **self._gathered}

    async def close(self) -> None:
        """Before sealing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    async def _write(self, taken: dict[tuple[str, str], Seen]) -> None:
        tx = self._begin()
        rows = view(tx)
        for place in {place for place, _ in taken}:
            known = await rows.find(f"readers/{place}", Known) or Known()
            readers = {**known.readers, **{name: seen for (at, name), seen in taken.items() if at == place}}
            kept = sorted(readers, key=lambda name: readers[name].last)[-MAX_READERS:]
            rows.put(f"readers/{place}", Known({name: readers[name] for name in kept}))
        await tx.commit()

    async def _soon(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        with suppress(Sealed):
            await self.flush()


def _place(mount: Mount, path: str) -> str:
    inner = path[len(mount.path) :]
    if mount.kind == "database":
        return path if inner.startswith("static-creds/") else ""
    if mount.kind == "rotation":
        parts = inner.split("/")
        return f"{mount.path}{parts[1]}" if parts[0] == "plans" and parts[-1] == "credentials" else ""
    return ""


def identity_of(caller: Caller) -> str:
    """The name that stays when tokens change, as the inventory has it."""
    role = caller.metadata.get("role_name") if caller.metadata else None
    return caller.entity_id or (f"{caller.display_name}:{role}" if role else caller.display_name)
