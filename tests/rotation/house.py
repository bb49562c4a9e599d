"""A whole core with rotation and its jobs, whose clock and workers the test turns."""

import asyncio
import time
from collections.abc import Collection
from typing import Any

from strongroom.audit.devices.outbound import Outbound
from strongroom.jobs import Workers
from strongroom.rotation import Neighbours, RotationDesk, RotationEngine
from strongroom.storage.contract import Storage
from strongroom.system.ceremonies import Ceremonies, Permissions
from tests.suites import house as suite

SOON = 3.0


class House(suite.House):
    """One process: its own workers and desk, over a store that may outlive it."""

    def __init__(
        self,
        neighbours: Neighbours | None = None,
        outbound: Collection[str] = (),
        storage: Storage | None = None,
    ) -> None:
        super().__init__(Permissions(), {"rotation": RotationEngine()}, storage=storage)
        self.workers = Workers(self.clock, self.core.barrier.begin)
        self.core.services["jobs"] = self.workers
        self.core.closers.append(self.workers.stop)
        self.desk = RotationDesk(
            self.core, self.workers, Outbound(outbound, "rotations"), neighbours or Neighbours()
        )
        self.desk.attach()

    @classmethod
    async def begun(
        cls,
        neighbours: Neighbours | None = None,
        outbound: Collection[str] = (),
        storage: Storage | None = None,
    ) -> "House":
        """A new store, unsealed, with the engines that rotations serve."""
        house = cls(neighbours, outbound, storage)
        house.clock.advance(time.time() - house.clock.now())  # databases have their own idea of now
        desk: Ceremonies = house.core.services["ceremonies"]
        house.shares, house.root = await desk.initialize(1, 1)
        await house.unseal()
        await house.write("sys/mounts/database", {"type": "database"})
        await house.write("sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
        return house

    async def again(self) -> "House":
        """What a new process finds in the store, a minute later."""
        self.core.outside.close()
        other = House(self.desk.neighbours, storage=self.storage)
        other.clock.advance(self.clock.now() - other.clock.now() + 61)
        other.desk.outlet = other.desk.rotations.outlet = self.desk.outlet
        other.shares, other.root = self.shares, self.root
        other.core.initialized = True
        await other.unseal()
        return other

    async def turn(self) -> int:
        """Run what is due to its end or sleep; returns how many jobs that were."""
        legs = await self.workers.turn()
        await asyncio.gather(*legs)
        return len(legs)

    async def work(self) -> None:
        """Run until nothing is due."""
        while await self.turn():
            pass

    async def until(self, rotation: str, *states: str, step: float = SOON) -> dict[str, Any]:
        """Work and move the clock until a rotation is in one of these states."""
        for _ in range(400):
            await self.work()
            shown = await self.rotation(rotation)
            if shown["state"] in states:
                return shown
            self.clock.advance(step)
        raise AssertionError(f"it does not come to {states}: {shown}")

    async def rotation(self, rotation: str) -> dict[str, Any]:
        """What is shown of a rotation."""
        data: dict[str, Any] = (await self.read(f"rotation/rotations/{rotation}")).data
        return data

    async def rotate(self, plan: str, **fields: Any) -> str:
        """Start a plan by hand; the rotation's id."""
        answer = await self.write(f"rotation/plans/{plan}/rotate", fields)
        return str(answer.data["rotation"])

    async def plan(self, plan: str) -> dict[str, Any]:
        """What is shown of a plan."""
        data: dict[str, Any] = (await self.read(f"rotation/plans/{plan}")).data
        return data
