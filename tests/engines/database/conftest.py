"""One real server of each database for all tests here; every test gets a clean one."""

import time
from collections.abc import AsyncIterator, Iterator

import pytest
from psycopg import sql

from tests.engines.database import mariadb, postgres
from tests.engines.database.mariadb import MariaDB
from tests.engines.database.postgres import Postgres
from tests.engines.database.unprivileged import directory
from tests.suites.house import House


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with directory() as place, postgres.running(place) as server:
        yield server


@pytest.fixture
def pg(postgres_server: Postgres) -> Iterator[Postgres]:
    yield postgres_server
    if not postgres_server.alive:
        postgres_server.start()
    with postgres_server.connect() as connection:
        for name in postgres_server.accounts():
            role = sql.Identifier(name)
            connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDB]:
    with directory() as place, mariadb.running(place) as server:
        yield server


@pytest.fixture
def maria(mariadb_server: MariaDB) -> Iterator[MariaDB]:
    yield mariadb_server
    if not mariadb_server.alive:
        mariadb_server.start()
    with mariadb_server.connect() as connection, connection.cursor() as cursor:
        for name in mariadb_server.accounts():
            cursor.execute("DROP USER %s@'%%'", (name,))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House.opened()
    made.clock.advance(time.time() - made.clock.now())  # the database has its own idea of now
    await made.write("sys/mounts/database", {"type": "database"})
    yield made
    await made.core.seal()
