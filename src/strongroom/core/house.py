"""What the system's own handlers are given."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.barrier.barrier import BarrierTransaction

if TYPE_CHECKING:
    from strongroom.core.core import Core
    from strongroom.core.namespaces.realm import Realm


@dataclass(frozen=True, slots=True)
class House:
    """The core, the request's whole transaction and the namespace it is for."""

    core: "Core"
    tx: BarrierTransaction
    realm: "Realm"
