"""One real PostgreSQL server for all tests here; every test gets a database of its own."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest

from strongroom.storage.postgresql import PostgresqlStorage
from tests.cluster.database import Database, running

NAMES = count()


@pytest.fixture(scope="session")
def server() -> Iterator[Database]:
    with running() as started:
        yield started


@pytest.fixture
def database(server: Database) -> Database:
    return server.created(f"store_{next(NAMES)}")


@pytest.fixture
async def store(database: Database) -> AsyncIterator[PostgresqlStorage]:
    opened = await PostgresqlStorage.open(database.address)
    yield opened
    await opened.close()
