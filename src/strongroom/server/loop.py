"""What the floors of the loop tell each other: none of them imports its neighbour."""

from collections.abc import Mapping, Sequence

from strongroom.audit.devices.outbound import Outbound
from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.core import Core
from strongroom.findings import FindingsDesk, Vault
from strongroom.findings.record import Held
from strongroom.inventory import InventoryDesk
from strongroom.inventory.indexing import AREA as INVENTORY_AREA
from strongroom.jobs import Workers
from strongroom.remediation import IncidentsDesk
from strongroom.rotation import Neighbours, RotationDesk
from strongroom.rotation.neighbours import Consumer
from strongroom.rotation.record import reference
from strongroom.server.config import Config
from strongroom.system import namespace_end


def attach(core: Core, workers: Workers, config: Config) -> None:
    """Join the loop's floors to the core."""
    workers.register(namespace_end.kind(core))
    inventory = InventoryDesk(core)
    inventory.attach()
    if core.coherence is not None:
        core.coherence.dropping(f"{INVENTORY_AREA}value/", inventory.outdated)
    findings = FindingsDesk(core, vault(core, inventory), core.services["audit"].directory)
    findings.attach()
    incidents = IncidentsDesk(core, findings, workers, config.incidents.outbound)
    incidents.attach()
    outbound = Outbound(config.rotation.outbound, "rotation plans")
    RotationDesk(core, workers, outbound, neighbours(inventory, incidents)).attach()


def vault(core: Core, inventory: InventoryDesk) -> Vault:
    """What findings ask of the inventory."""

    async def matches(tx: BarrierTransaction, rows: Sequence[str]) -> list[Held]:
        return [Held(*one) for one in await inventory.matches(tx, rows)]

    async def readers(tx: BarrierTransaction, held: Held) -> Mapping[str, float]:
        if held.kind == "credential":
            known = await core.services["rotation"].readers.of(tx, reference(held.mount, held.path))
            return {one.name: one.last_read for one in known}
        return await inventory.readers(tx, held.mount, held.path, held.version)

    return Vault(core, matches, inventory.facts, readers)


def neighbours(inventory: InventoryDesk, incidents: IncidentsDesk) -> Neighbours:
    """What rotation asks of the inventory, and who hears of its failures."""

    async def consumers(tx: BarrierTransaction, mount: str, path: str) -> list[Consumer]:
        known = await inventory.consumers(tx, mount, path)
        return [Consumer(one.name, one.version, one.last_read) for one in known]

    async def classification(tx: BarrierTransaction, mount: str, path: str) -> str:
        return (await inventory.facts(tx, mount, path)).get("classification", "")

    return Neighbours(consumers, classification, incidents.on_failure)
