"""What the core has engines do unasked: revoke what a lease stands for, attend to what is due."""

from typing import TYPE_CHECKING

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core import pending
from strongroom.core.attending import Attendant
from strongroom.core.leases import LeaseEntry
from strongroom.core.namespaces.areas import namespace_of
from strongroom.core.router import Target
from strongroom.core.turns import Turns
from strongroom.errors import NotFound
from strongroom.framework import ANONYMOUS, CanonicalPath, Context, Engine, Mount, Operation, Request
from strongroom.framework.dispatch import Found

if TYPE_CHECKING:
    from strongroom.core.core import Core


class Errands:
    """The core's own calls of engines, outside of any request."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._attendant = Attendant(core.namespaces.keeping_time, self.attend)
        self._turns = Turns(core.clock)
        self._alone = core.barrier.shared is None

    async def revoke_secret(self, tx: BarrierTransaction, entry: LeaseEntry) -> None:
        """Ask the engine that issued a secret to end it outside."""
        realm = await self._core.namespaces.of(namespace_of(entry.id))
        mount = realm.mount(entry.mount)
        engine = realm.router.engine_for(mount) if mount else None
        if mount is None or engine is None:
            raise NotFound(f"no mount for lease '{entry.path}'")
        self._core.joined.hold(tx, mount, entry.id, {})
        await engine.revoke(self._context(tx, mount, engine, entry.path), entry.lease())

    async def attend(self, mount: Mount) -> bool:
        """Have a mount's engine do one thing that is due; returns whether there may be more."""
        engine = self._core.router.engine_for(mount)
        if engine is None or not (self._alone or await self._has_turn(mount)):
            return False
        tx = self._core.barrier.begin()
        if not self._alone:
            await self._turns.keep(tx, mount.uuid)
        more = await engine.attend(self._context(tx, mount, engine, mount.path))
        await tx.commit()
        return more

    async def _has_turn(self, mount: Mount) -> bool:
        """Whether it is this node that attends to the mount."""
        tx = self._core.barrier.begin()
        mine = await self._turns.take(tx, mount.uuid)
        await tx.commit()
        return mine

    async def resume(self) -> None:
        """After unsealing: have the leases revoked whose making a crash cut short, attend to what is due.

        Where other nodes work too, theirs may be under way: those end when their time is up.
        """
        if self._alone:
            await pending.recover(self._core.barrier.begin, self._core.clock)
        self._attendant.start()

    async def stop(self) -> None:
        """Before sealing: attend no more."""
        await self._attendant.stop()

    def _context(self, tx: BarrierTransaction, mount: Mount, engine: Engine, path: str) -> Context:
        request = Request(Operation.WRITE, CanonicalPath(path), id="core")
        return self._core.context(
            tx, request, Target(mount, engine, path[len(mount.path) :], Found()), ANONYMOUS
        )
