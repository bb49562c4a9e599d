"""Killed before and after every commit of a rotation, and with its database restarted at every step:
one live credential remains, known to the store, and no account that nobody asked for.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from strongroom.engines.database import pool
from strongroom.jobs import Kind, Workers
from strongroom.rotation.targets.database import StaticRolePair
from strongroom.storage.memory import MemoryStorage
from tests.engines.database.dying import DyingStorage, Killed
from tests.engines.database.mariadb import MariaDB
from tests.engines.database.postgres import Postgres
from tests.rotation.house import House
from tests.rotation.test_database import creds, prepare

Server = Postgres | MariaDB
BOTH = [
    pytest.param("pg", marks=pytest.mark.component("postgresql")),
    pytest.param("maria", marks=pytest.mark.component("mariadb")),
]
# start · claim · order · prepare · look · create · distribute · verify · publish · grace look · sleep
# claim · grace look · retire · verify dead · finish · end of the job
COMMITS = 17
STEPS = ("look", "create", "verify", "retire", "verify-dead")
pytestmark = pytest.mark.slow


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


async def check(house: House, server: Server, old: tuple[str, str]) -> None:
    """One credential lives: the one that is given out."""
    new = await creds(house)
    assert server.logs_in(*new)
    assert refused(server, *old)
    assert server.accounts() == {"app_a", "app_b"}
    assert set((await house.read("rotation/plans/app/credentials")).data) == {"current"}
    other = {"app_a": "app_b", "app_b": "app_a"}[new[0]]
    assert refused(server, other, f"first-{other}")


def refused(server: Server, user: str, password: str) -> bool:
    """Whether a login fails, be it for the password or for the lock."""
    with suppress(Exception):
        server.connect(user, password).close()
        return False
    assert server.alive
    return True


async def ended(house: House) -> dict[str, Any]:
    """Drive the last rotation to its end."""
    plan = await house.plan("app")
    listed = (await house.list("rotation/plans/app/history")).data["keys"]
    assert plan["active_rotation"] in ("", listed[0])
    return await house.until(listed[0], "done", "failed", step=61)


async def rotated_until_killed(house: House) -> None:
    rotation = await house.rotate("app")
    await house.until(rotation, "done")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("commit", range(1, COMMITS + 1))
@pytest.mark.parametrize("server", BOTH, indirect=True)
async def test_killed_at_any_commit_one_credential_lives(server: Server, commit: int, after: bool) -> None:
    storage = DyingStorage(MemoryStorage())
    house = await House.begun(storage=storage)
    await prepare(house, server, grace=2, settle=0)
    old = await creds(house)
    storage.kill_at(commit, after=after)
    with pytest.raises(Killed):
        await rotated_until_killed(house)
    storage.dead = False
    again = await house.again()
    if (commit, after) == (1, False):
        await rotated_until_killed(again)
    assert (await ended(again))["state"] == "done"
    await check(again, server, old)
    await again.core.seal()


@pytest.mark.component("postgresql")
async def test_there_are_no_more_commits_than_those_killed_at(pg: Postgres) -> None:
    storage = DyingStorage(MemoryStorage())
    house = await House.begun(storage=storage)
    await prepare(house, pg, grace=2, settle=0)
    storage.kill_at(COMMITS + 1, after=False)
    await rotated_until_killed(house)
    await house.work()
    assert storage.deadly == 1
    storage.deadly = 0
    await house.core.seal()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("server", BOTH, indirect=True)
async def test_a_database_restarted_at_any_step_ends_with_one_credential(
    server: Server, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Down when the step is tried, up again for a later attempt; every connection that was open is gone."""
    monkeypatch.setattr(pool, "REFUSE_SECONDS", 0.0)  # of the wall's clock, after a failure
    house = await House.begun()
    await prepare(house, server, grace=2, settle=0)
    old = await creds(house)
    rotation = await house.rotate("app")
    at_step(step, monkeypatch, server.stop)
    for _ in range(60):
        await house.work()
        if not server.alive:
            break
        house.clock.advance(1)
    assert not server.alive
    house.clock.advance(5)
    await house.work()
    assert (await house.rotation(rotation))["state"] in ("making", "retiring")
    server.start()
    assert (await house.until(rotation, "done"))["state"] == "done"
    await check(house, server, old)
    await house.core.seal()


def at_step(step: str, monkeypatch: pytest.MonkeyPatch, deed: Callable[[], None]) -> None:
    """Do something right before a step is tried for the first time."""
    method = step.replace("-", "_")
    original = getattr(StaticRolePair, method)
    left = [1]

    async def tried(self: Any, *arguments: Any) -> Any:
        if left:
            left.clear()
            deed()
        return await original(self, *arguments)

    monkeypatch.setattr(StaticRolePair, method, tried)


@pytest.mark.parametrize("server", BOTH, indirect=True)
async def test_two_workers_racing_make_one_credential(server: Server) -> None:
    house = await House.begun()
    await prepare(house, server, grace=2, settle=0)
    old = await creds(house)
    rotations = await asyncio.gather(*(house.rotate("app") for _ in range(5)))
    assert len(set(rotations)) == 1
    kinds: list[Kind[Any]] = list(house.workers._kinds.values())
    racers = [house.workers, *(Workers(house.clock, house.core.barrier.begin, kinds) for _ in range(3))]
    for _ in range(40):
        legs = await asyncio.gather(*(workers.turn() for workers in racers))
        await asyncio.gather(*(leg for each in legs for leg in each))
        house.clock.advance(0.5)
    assert (await house.rotation(rotations[0]))["state"] == "done"
    assert (await house.rotation(rotations[0]))["new_version"] == 2
    await check(house, server, old)
    await house.core.seal()
