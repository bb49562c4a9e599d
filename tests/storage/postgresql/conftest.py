"""One real PostgreSQL server for all tests here; every test finds its database empty."""

from collections.abc import AsyncIterator, Iterator

import pytest

from strongroom.storage.postgresql import PostgresqlStorage
from tests.cluster.database import Database, running
from tests.cluster.patroni import until

_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'strongroom'"


@pytest.fixture(scope="session")
def server() -> Iterator[Database]:
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def _database(server: Database) -> Database:
    return server.created("store")


@pytest.fixture
def database(_database: Database) -> Database:
    """Emptied, once nobody uses it: to make one for each test would cost a thousand files each."""
    until(lambda: _database.ask(_SESSIONS) == [0] or None, "the sessions of the test before did not end")
    _database.ask("DROP SCHEMA IF EXISTS strongroom CASCADE")
    return _database


@pytest.fixture
async def store(database: Database) -> AsyncIterator[PostgresqlStorage]:
    opened = await PostgresqlStorage.open(database.address)
    yield opened
    await opened.close()
