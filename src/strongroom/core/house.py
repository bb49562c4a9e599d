"""What the system's own handlers are given."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from strongroom.barrier.barrier import BarrierTransaction

if TYPE_CHECKING:
    from strongroom.core.core import Core


@dataclass(frozen=True, slots=True)
class House:
    """The core, and the request's whole transaction."""

    core: "Core"
    tx: BarrierTransaction
