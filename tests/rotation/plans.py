"""A house with a rotation plan, and what its tests ask of it."""

from typing import Any

from msgspec.json import decode

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.rotation import Consumer, Neighbours
from tests.rotation.house import House


class Beside:
    """An inventory that says what the test tells it to."""

    def __init__(self) -> None:
        self.known: list[Consumer] = []
        self.classification = ""

    async def consumers(self, tx: BarrierTransaction, mount: str, path: str) -> list[Consumer]:
        return self.known if (mount, path) == ("kv/", "app") else []

    async def classified(self, tx: BarrierTransaction, mount: str, path: str) -> str:
        return self.classification

    @property
    def neighbours(self) -> Neighbours:
        return Neighbours(self.consumers, self.classified)


async def begun(beside: Beside | None = None, **plan: Any) -> House:
    house = await House.begun((beside or Beside()).neighbours)
    await house.write("kv/data/app", {"data": {"password": "first", "user": "app"}})
    await write(house, **plan)
    return house


async def write(house: House, name: str = "app", secret: str = "kv/app", **plan: Any) -> None:
    await house.write(f"rotation/plans/{name}", {"target": {"kind": "generate", "secret": secret}, **plan})


async def value(house: House, **query: str) -> dict[str, str]:
    found: dict[str, str] = decode((await house.read("kv/data/app", query=query)).data["data"])
    return found
