"""Credentials that the database engine issues are in the index for as long as they are good."""

import time
from collections.abc import Iterator

import pytest

from strongroom.clock import FakeClock
from strongroom.framework import Operation
from tests.engines.database import postgres
from tests.engines.database.postgres import Postgres
from tests.engines.database.test_postgresql import CREATE
from tests.inventory.scanner import Scanner
from tests.inventory.test_inventory import inventory
from tests.system.test_backup import Desk

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]


@pytest.fixture(scope="module")
def pg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with postgres.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
async def connected(desk: Desk, pg: Postgres) -> Desk:
    assert desk.house is not None
    clock = desk.house.core.clock
    assert isinstance(clock, FakeClock)
    clock.advance(time.time() - clock.now())  # the database has its own idea of now
    await desk.ask(Operation.WRITE, "sys/mounts/database", type="database")
    await desk.ask(Operation.WRITE, "database/config/pg", **pg.config())
    return desk


async def held(desk: Desk, text: str) -> list[str]:
    return await Scanner(desk).names(f"PGPASSWORD={text}\n".encode())


async def test_a_password_on_demand_until_its_lease_ends(connected: Desk) -> None:
    desk = connected
    role = {"db_name": "pg", "creation_statements": CREATE, "default_ttl": "1h"}
    await desk.ask(Operation.WRITE, "database/roles/app", **role)
    made = await desk.answer(Operation.READ, "database/creds/app")
    assert made.lease is not None
    lease = made.lease.id
    assert await held(desk, made.data["password"]) == [f"database/{lease} field password"]
    (match,) = await Scanner(desk).finds(made.data["password"].encode())
    assert desk.house is not None
    (reference,) = await inventory(desk).matches(desk.house.core.barrier.begin(), match.known)
    assert (reference.mount, reference.path, reference.kind) == ("database/", lease, "credential")
    await desk.ask(Operation.WRITE, "sys/leases/revoke", lease_id=lease)
    assert await held(desk, made.data["password"]) == []
    assert (await desk.ask(Operation.READ, "inventory/fingerprints"))["values"] == 0


async def test_a_static_password_until_it_is_changed(connected: Desk, pg: Postgres) -> None:
    desk = connected
    pg.ask("CREATE ROLE still LOGIN PASSWORD 'known-to-many'")
    await desk.ask(
        Operation.WRITE, "database/static-roles/still", db_name="pg", username="still", rotation_period="1h"
    )
    first = (await desk.ask(Operation.READ, "database/static-creds/still"))["password"]
    assert await held(desk, first) == ["database/static-creds/still field password"]
    await desk.ask(Operation.WRITE, "database/rotate-role/still")
    second = (await desk.ask(Operation.READ, "database/static-creds/still"))["password"]
    assert await held(desk, first) == []
    assert await held(desk, second) == ["database/static-creds/still field password"]
    await desk.ask(Operation.DELETE, "database/static-roles/still")
    assert await held(desk, second) == []


async def test_passwords_go_with_their_mount(connected: Desk, pg: Postgres) -> None:
    desk = connected
    pg.ask("CREATE ROLE gone LOGIN PASSWORD 'known-to-many'")
    await desk.ask(
        Operation.WRITE, "database/static-roles/gone", db_name="pg", username="gone", rotation_period="1h"
    )
    text = (await desk.ask(Operation.READ, "database/static-creds/gone"))["password"]
    assert len(await held(desk, text)) == 1
    await desk.ask(Operation.DELETE, "sys/mounts/database")
    assert await held(desk, text) == []
    assert (await desk.ask(Operation.READ, "inventory/fingerprints"))["values"] == 0
