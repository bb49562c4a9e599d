"""Engines that keep time: each second, every mount of one is asked whether something is due.

Each mount is attended on its own, so one whose outside system does not answer holds up no other.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from strongroom.errors import Sealed, Unavailable
from strongroom.framework import Mount
from strongroom.storage.contract import Conflict

log = logging.getLogger(__name__)

PAUSE = 1.0


class Attendant:
    """Asks `mounts` in the background; `attend` runs one mount's engine in a transaction of its own."""

    def __init__(
        self, mounts: Callable[[], Awaitable[Sequence[Mount]]], attend: Callable[[Mount], Awaitable[bool]]
    ) -> None:
        self._mounts = mounts
        self._attend = attend
        self._loop: asyncio.Task[None] | None = None
        self._busy: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin to ask."""
        self._loop = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop asking; what is under way is cancelled and resumes after the next start."""
        tasks = [*self._busy.values(), *([self._loop] if self._loop else [])]
        self._loop = None
        self._busy.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._busy = {uuid: task for uuid, task in self._busy.items() if not task.done()}
            for mount in await self._found():
                if mount.uuid not in self._busy:
                    self._busy[mount.uuid] = asyncio.create_task(self._one(mount))
            await asyncio.sleep(PAUSE)

    async def _found(self) -> Sequence[Mount]:
        """The mounts to ask; none while the store cannot tell."""
        try:
            return await self._mounts()
        except (Conflict, Sealed, Unavailable):  # the store's own loss is told by the store
            return ()
        except Exception:
            log.exception("the mounts that keep time could not be listed; it is tried again")
            return ()

    async def _one(self, mount: Mount) -> None:
        try:
            while await self._attend(mount):
                pass
        except (Conflict, Sealed):
            return
        except Exception:
            log.exception("attending a mount failed; it is tried again")
