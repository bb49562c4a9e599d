"""What the server joins to the core: mounts that every store has, and who watches requests.

So floors above the core (the inventory) work on what passes the door, and the core names none of them.
They see the root namespace only.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.bootstrap import SYSTEM_MOUNTS
from strongroom.framework import Caller, Mount, Request, Response

log = logging.getLogger(__name__)

Changing = Callable[[BarrierTransaction, Request, Mount], Awaitable[None]]
Holding = Callable[[BarrierTransaction, Mount, str, Mapping[str, str]], None]
Searchable = Callable[[str], bool]
Observer = Callable[[Request, Mount, Caller, Response], None]


class Joined:
    """`changing` is asked in the transaction of each change and may refuse or add to it.

    `holding` are told, in the transaction too, which secret values a path of a mount or a lease holds.

    `searchable` says whether a value that is about to be made would be known where it leaks.

    `observers` are told of each answer once it is in the audit log; they must be quick. Of an answer
    that was given before they see the `facts`, not the data.
    """

    def __init__(self) -> None:
        self.mounts: dict[str, Mount] = {}
        self.changing: list[Changing] = []
        self.holding: list[Holding] = []
        self.searchable: Searchable = bool
        self.observers: list[Observer] = []

    async def change(self, tx: BarrierTransaction, request: Request, mount: Mount) -> None:
        """Ask everyone about a change that is about to be committed in the root namespace."""
        if mount.namespace:
            return
        for changing in self.changing:
            await changing(tx, request, mount)

    def hold(self, tx: BarrierTransaction, mount: Mount, path: str, values: Mapping[str, str]) -> None:
        """Tell everyone what a path or a lease holds from this change on; nothing to forget it."""
        if mount.namespace:
            return
        for holding in self.holding:
            holding(tx, mount, path, values)

    def answered(self, request: Request, mount: Mount | None, caller: Caller, response: Response) -> None:
        """Tell everyone of an answer in the root namespace."""
        if request.namespace:
            return
        for observer in self.observers:
            observer(request, mount or SYSTEM_MOUNTS["sys/"], caller, response)


async def close_all(closers: Iterable[Callable[[], Awaitable[None] | None]]) -> None:
    """Before sealing: have everyone let go, also where another, or the store, has no room for a last word."""
    for closer in closers:
        try:
            closing = closer()
            if closing is not None:
                await closing
        except Exception as error:  # whatever it is, the keys must go
            log.warning("sealing goes on without what failed: %s", type(error).__name__)
