"""What the floors of the loop tell each other: none of them imports its neighbour."""

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.inventory import InventoryDesk
from strongroom.rotation import Neighbours
from strongroom.rotation.neighbours import Consumer


def neighbours(inventory: InventoryDesk) -> Neighbours:
    """What rotation asks of the inventory."""

    async def consumers(tx: BarrierTransaction, mount: str, path: str) -> list[Consumer]:
        known = await inventory.consumers(tx, mount, path)
        return [Consumer(one.name, one.version, one.last_read) for one in known]

    async def classification(tx: BarrierTransaction, mount: str, path: str) -> str:
        return (await inventory.facts(tx, mount, path)).get("classification", "")

    return Neighbours(consumers, classification)
