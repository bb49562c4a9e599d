"""What rotation needs of floors beside and above it: handed over where the server is assembled."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.rotation.record import FailedRotation


class Consumer(NamedTuple):
    """Who reads a secret: the newest version they fetched, and when they last read."""

    name: str
    version: int
    last_read: float


class Consumers(Protocol):
    """Who reads the secret at a path of a mount."""

    async def __call__(self, tx: BarrierTransaction, mount: str, path: str) -> list[Consumer]: ...


OnFailure = Callable[[BarrierTransaction, FailedRotation], Awaitable[None]]
Classification = Callable[[BarrierTransaction, str, str], Awaitable[str]]


async def nobody(tx: BarrierTransaction, mount: str, path: str) -> list[Consumer]:
    """Where no inventory is: nobody is known."""
    return []


async def unclassified(tx: BarrierTransaction, mount: str, path: str) -> str:
    """Where no inventory is: no classification."""
    return ""


async def unheard(tx: BarrierTransaction, failed: FailedRotation) -> None:
    """Where nobody answers incidents."""


class Neighbours(NamedTuple):
    """The floors around."""

    consumers: Consumers = nobody
    classification: Classification = unclassified
    on_failure: OnFailure = unheard
