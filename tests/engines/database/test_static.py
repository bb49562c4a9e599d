"""Static roles: passwords that keep changing, on a real PostgreSQL."""

from typing import Any

import pytest

from strongroom.errors import InvalidRequest, UpstreamFailed
from tests.engines.database.postgres import Postgres
from tests.suites.house import House

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]


async def prepare(house: House, pg: Postgres, **role: Any) -> None:
    pg.ask("CREATE ROLE app LOGIN PASSWORD 'known-to-many'")
    await house.write("database/config/pg", pg.config())
    await house.write(
        "database/static-roles/app", {"db_name": "pg", "username": "app", "rotation_period": "1h", **role}
    )


async def password(house: House) -> str:
    text = (await house.read("database/static-creds/app")).data["password"]
    assert isinstance(text, str)
    return text


async def attend(house: House) -> None:
    while await house.core.errands.attend(house.core.mounts["database/"]):
        pass


async def test_taking_over_changes_the_password(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    assert not pg.logs_in("app", "known-to-many")
    creds = (await house.read("database/static-creds/app")).data
    assert pg.logs_in("app", creds["password"])
    assert creds["ttl"] == creds["rotation_period"] == 3600
    assert creds["last_vault_rotation"]
    shown = (await house.read("database/static-roles/app")).data
    assert shown["username"] == "app"
    assert "password" not in shown
    assert (await house.list("database/static-roles")).data["keys"] == ["app"]


async def test_it_changes_when_due_and_when_asked(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    first = await password(house)
    await attend(house)
    assert await password(house) == first
    house.clock.advance(3601)
    await attend(house)
    second = await password(house)
    assert second != first
    assert pg.logs_in("app", second)
    await house.write("database/rotate-role/app", {})
    assert not pg.logs_in("app", second)
    assert pg.logs_in("app", await password(house))


async def test_a_schedule_in_cron(house: House, pg: Postgres) -> None:
    await prepare(house, pg, rotation_period=0, rotation_schedule="0 * * * *", rotation_window="1h")
    shown = (await house.read("database/static-roles/app")).data
    assert shown["rotation_schedule"] == "0 * * * *"
    first = await password(house)
    assert (await house.read("database/static-creds/app")).data["ttl"] <= 3600
    house.clock.advance(3601)
    await attend(house)
    assert await password(house) != first
    second = await password(house)
    house.clock.advance(6000 - house.clock.now() % 3600 + 3 * 3600)
    await attend(house)
    assert await password(house) == second, "a run that is later than its window is left out"
    house.clock.advance(3600)
    await attend(house)
    assert await password(house) != second


async def test_a_change_cut_short_is_finished_with_the_same_password(house: House, pg: Postgres) -> None:
    """The renewal is on disk before the database is told: here the server dies right after telling it."""
    await prepare(house, pg)
    first = await password(house)
    pg.stop()
    with pytest.raises(UpstreamFailed):
        await house.write("database/rotate-role/app", {})
    warned = await house.read("database/static-creds/app")
    assert warned.data["password"] == first
    assert warned.warnings
    pg.start()
    await house.write("database/reset/pg", {})
    second = await password(house)
    assert second != first
    assert pg.logs_in("app", second)


async def test_a_database_that_is_down_keeps_the_old_password(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    first = await password(house)
    pg.stop()
    house.clock.advance(3601)
    await attend(house)
    pg.start()
    assert pg.logs_in("app", first)
    await house.write("database/reset/pg", {})
    house.clock.advance(11)
    await attend(house)
    assert pg.logs_in("app", await password(house))
    assert not pg.logs_in("app", first)


async def test_what_cannot_be_is_refused(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    role = {"db_name": "pg", "username": "other", "rotation_period": "1h"}
    for wrong in (
        {"rotation_period": 4},
        {"rotation_period": 0},
        {"rotation_schedule": "0 * * * *"},
        {"rotation_period": 0, "rotation_schedule": "every day"},
        {"username": ""},
        {"username": "x" * 64},
        {"db_name": "nowhere"},
        {"rotation_statements": "ALTER ROLE 'x"},
    ):
        with pytest.raises(InvalidRequest):
            await house.write("database/static-roles/other", {**role, **wrong})
    with pytest.raises(InvalidRequest, match="cannot update"):
        await house.write("database/static-roles/app", {"username": "other"})
    with pytest.raises(InvalidRequest, match="unique"):
        await house.write("database/roles/app", {"db_name": "pg", "creation_statements": "SELECT 1"})
    with pytest.raises(InvalidRequest, match="unknown role"):
        await house.read("database/static-creds/nobody")
    with pytest.raises(UpstreamFailed):
        await house.write("database/static-roles/other", role)


async def test_letting_go_leaves_the_account(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    last = await password(house)
    await house.write("database/static-roles/app", {"rotation_period": "2h"})
    assert (await house.read("database/static-creds/app")).data["ttl"] == 7200
    await house.delete("database/static-roles/app")
    house.clock.advance(10_000)
    await attend(house)
    assert pg.logs_in("app", last)
