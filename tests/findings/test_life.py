"""The exposure window ends when the version that leaked did, whatever happened to others of its number."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from strongroom.clock import rfc3339
from strongroom.findings import exposure
from strongroom.findings.exposure import Window
from strongroom.findings.record import Finding, Held
from strongroom.framework import Operation
from tests.findings.test_exposure import FIRST, SECOND
from tests.remediation.house import House

HISTORIES, STEPS, KEPT = 60, 12, 3


@dataclass
class Version:
    """What the model knows of one version: when it ended for good, and how; who has read it."""

    number: int
    created: float
    marked: bool = False
    destroyed: bool = False
    until: float = 0.0
    ended_by: str = ""
    readers: set[str] = field(default_factory=set)

    def end(self, now: float, how: str) -> None:
        if not self.until:
            self.until, self.ended_by = now, how


@dataclass
class Secret:
    """A secret with a random history, and the model beside it."""

    house: House
    path: str
    number: int = 0
    versions: dict[int, Version] = field(default_factory=dict)
    ever: list[Version] = field(default_factory=list)

    @property
    def now(self) -> float:
        return self.house.clock.now()

    async def write(self, numbers: Sequence[int]) -> None:
        self.number += 1
        await self.house.write(f"kv/data/{self.path}", data={"password": FIRST})
        await self.house.write(f"kv/metadata/{self.path}", max_versions=KEPT)
        made = self.versions[self.number] = Version(self.number, self.now)
        self.ever.append(made)
        for old in [old for old in self.versions if old <= self.number - KEPT]:
            self.versions.pop(old).end(self.now, "dropped")

    async def delete(self, numbers: Sequence[int]) -> None:
        await self.house.write(f"kv/delete/{self.path}", versions=numbers)
        self._mark(numbers)

    async def delete_current(self, numbers: Sequence[int]) -> None:
        await self.house.answer_delete(f"kv/data/{self.path}")
        self._mark([self.number])

    def _mark(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            version = self.versions.get(number)
            if version and not version.destroyed:
                version.marked = True
                version.end(self.now, "deleted")

    async def undelete(self, numbers: Sequence[int]) -> None:
        await self.house.write(f"kv/undelete/{self.path}", versions=numbers)
        for number in numbers:
            version = self.versions.get(number)
            if version and not version.destroyed:
                version.marked, version.until, version.ended_by = False, 0.0, ""

    async def destroy(self, numbers: Sequence[int]) -> None:
        await self.house.write(f"kv/destroy/{self.path}", versions=numbers)
        for number in numbers:
            version = self.versions.get(number)
            if version:
                version.destroyed = True
                version.end(self.now, "destroyed")

    async def erase(self, numbers: Sequence[int]) -> None:
        await self.house.answer_delete(f"kv/metadata/{self.path}")
        for version in self.versions.values():
            version.end(self.now, "erased")
        self.versions, self.number = {}, 0

    async def read(self, numbers: Sequence[int]) -> None:
        version = self.versions.get(numbers[0])
        if version and not version.marked and not version.destroyed:
            await self.house.read(f"kv/data/{self.path}", version=numbers[0])
            version.readers.add("root")

    async def step(self, dice: random.Random) -> None:
        self.house.clock.advance(dice.uniform(1, 100))
        deeds = [self.write, self.delete, self.delete_current, self.undelete, self.destroy, self.read]
        deed = dice.choices([*deeds, self.erase], [6, 2, 1, 4, 2, 4, 1])[0]
        await deed(dice.sample(range(1, max(2, self.number) + 1), dice.choice([1, 2])))


async def window(house: House, path: str, number: int, created: float) -> Window:
    """The window of one version that leaked when it was made."""
    desk = house.core.services["incidents"]
    held = Held("kv/", path, number, "password", created=rfc3339(created))
    finding = Finding(
        id="f" * 20, detector="d", fingerprint="f", name="n", first_seen=created, last_seen=created
    )
    now = house.clock.now()
    return await exposure.window(house.core.barrier.begin(), desk.vault, desk.log(), finding, held, now)


@pytest.mark.slow
async def test_every_versions_window_ends_when_it_did_in_any_history(house: House) -> None:
    dice = random.Random("histories")
    ends = set()
    for number in range(HISTORIES):
        secret = Secret(house, f"history{number}")
        await secret.write(())
        for _ in range(STEPS):
            await secret.step(dice)
        house.clock.advance(1)
        for version in secret.ever:
            found = await window(house, secret.path, version.number, version.created)
            assert found.usable_from == pytest.approx(version.created)
            assert found.usable_until == pytest.approx(version.until), (number, version)
            assert found.ended_by == version.ended_by, (number, version)
            assert found.seconds == pytest.approx((version.until or secret.now) - version.created)
            assert set(found.found.readers) == version.readers, (number, version)
            ends.add(version.ended_by)
    assert ends == {"", "deleted", "destroyed", "erased", "dropped"}


async def test_a_version_that_deleted_itself_ends_then_also_when_it_is_erased_later(house: House) -> None:
    await house.write("kv/metadata/app/db", delete_version_after="100s")
    await house.secret(FIRST, plan=False)
    made = house.clock.now()
    house.clock.advance(500)
    assert (await window(house, "app/db", 1, made)).usable_until == pytest.approx(made + 100)
    await house.write("kv/destroy/app/db", versions=[1])
    found = await window(house, "app/db", 1, made)
    assert found.usable_until == pytest.approx(made + 100)
    assert found.ended_by == "deleted"


async def test_a_secret_that_was_erased_and_written_again_is_not_what_leaked(house: House) -> None:
    """Its numbers begin at one: neither is the old leak live again, nor the new one dead already."""
    await house.secret(FIRST)
    told = await house.report(await house.row())
    old = told["listed"][0]
    await house.until(old["incident"], "closed")
    await house.answer(Operation.DELETE, "kv/metadata/app/db")
    house.clock.advance(60)
    await house.write("kv/data/app/db", data={"password": SECOND})
    seen = (await house.read(f"findings/{old['id']}/exposure"))["windows"][0]
    assert seen["usable_until"] < rfc3339(house.clock.now() - 60)
    told = await house.report(await house.row(), fingerprint="e" * 32)
    new = told["listed"][0]
    shown = await house.until(new["incident"], "closed")
    assert new["incident"] != old["incident"]
    outcomes = {step["step"]: step["outcome"] for step in shown["steps"]}
    assert (outcomes["rotate"], outcomes["verify_dead"]) == ("done", "done")
