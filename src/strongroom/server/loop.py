"""What the floors of the loop tell each other: none of them imports its neighbour."""

from strongroom.audit.devices.outbound import Outbound
from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.core import Core
from strongroom.inventory import InventoryDesk
from strongroom.jobs import Workers
from strongroom.rotation import Neighbours, RotationDesk
from strongroom.rotation.neighbours import Consumer
from strongroom.server.config import Config


def attach(core: Core, workers: Workers, config: Config) -> None:
    """Join the loop's floors to the core."""
    inventory = InventoryDesk(core)
    inventory.attach()
    outbound = Outbound(config.rotation.outbound, "rotation plans")
    RotationDesk(core, workers, outbound, neighbours(inventory)).attach()


def neighbours(inventory: InventoryDesk) -> Neighbours:
    """What rotation asks of the inventory."""

    async def consumers(tx: BarrierTransaction, mount: str, path: str) -> list[Consumer]:
        known = await inventory.consumers(tx, mount, path)
        return [Consumer(one.name, one.version, one.last_read) for one in known]

    async def classification(tx: BarrierTransaction, mount: str, path: str) -> str:
        return (await inventory.facts(tx, mount, path)).get("classification", "")

    return Neighbours(consumers, classification)
