"""Rotating static roles of real databases: two accounts take turns, one of them is in force."""

from typing import Any

import pytest

from strongroom.errors import NotFound
from tests.engines.database.mariadb import MariaDB
from tests.engines.database.postgres import Postgres
from tests.rotation.house import House

postgresql = pytest.mark.component("postgresql")
mariadb = pytest.mark.component("mariadb")
ROLE = "database/static-roles/app"


async def prepare(house: House, server: Postgres | MariaDB, **plan: Any) -> None:
    """A static role `app` over two accounts, and a plan for it."""
    for user in ("app_a", "app_b"):
        make_user(server, user)
    await house.write("database/config/main", server.config())
    role = {"db_name": "main", "username": "app_a", "rotation_period": "24h"}
    await house.write("database/static-roles/app", role)
    await house.write("rotation/plans/app", {"target": {"kind": "database", "role": ROLE}, **plan})


def make_user(server: Postgres | MariaDB, user: str) -> None:
    if isinstance(server, Postgres):
        server.ask(f"CREATE ROLE {user} LOGIN PASSWORD 'first-{user}'")
    else:
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (user, f"first-{user}"))


async def creds(house: House) -> tuple[str, str]:
    data = (await house.read("database/static-creds/app")).data
    return data["username"], data["password"]


@postgresql
async def test_a_rotation_changes_the_account_and_ends_the_old_one(house: House, pg: Postgres) -> None:
    await prepare(house, pg, grace=100)
    old = await creds(house)
    assert old[0] == "app_a"
    rotation = await house.rotate("app", reason="to see it")
    await house.work()
    new = await creds(house)
    assert new[0] == "app_b"
    assert pg.logs_in(*old)
    assert pg.logs_in(*new)
    shown = await house.rotation(rotation)
    assert (shown["state"], shown["old_version"], shown["new_version"]) == ("grace", 1, 2)
    both = (await house.read("rotation/plans/app/credentials")).data
    assert both["current"]["data"] == {"username": new[0], "password": new[1]}
    assert both["previous"]["data"] == {"username": old[0], "password": old[1]}
    ended = await house.until(rotation, "done")
    names = [step["name"] for step in ended["steps"]]
    before, after = (
        ["prepare", "look", "create", "distribute", "verify", "publish"],
        ["retire", "verify-dead"],
    )
    assert names == before + after
    assert pg.logs_in(*new)
    assert not pg.logs_in(*old)
    assert "previous" not in (await house.read("rotation/plans/app/credentials")).data
    with pytest.raises(NotFound):
        await house.read("rotation/plans/app/credentials", query={"label": "previous"})


@mariadb
async def test_mariadb_takes_turns_too(house: House, maria: MariaDB) -> None:
    await prepare(house, maria, grace=100)
    for _ in range(3):
        old = await creds(house)
        rotation = await house.rotate("app")
        await house.work()
        new = await creds(house)
        assert maria.logs_in(*old)
        assert maria.logs_in(*new)
        await house.until(rotation, "done")
        assert maria.logs_in(*new)
        with pytest.raises(Exception, match=r"lock|denied|1045|4151"):
            maria.connect(*old)
