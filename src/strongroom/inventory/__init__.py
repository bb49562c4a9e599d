"""What is known about each secret: who owns it, who reads it, how old it is, and where its value may leak."""

from strongroom.inventory.engine import Inventory
from strongroom.inventory.known import Consumer
from strongroom.inventory.references import Reference
from strongroom.inventory.service import MOUNT, InventoryDesk

__all__ = ["MOUNT", "Consumer", "Inventory", "InventoryDesk", "Reference"]
