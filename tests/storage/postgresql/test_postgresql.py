"""PostgreSQL: the shared suite and the model, on a real server."""

from collections.abc import AsyncIterator

import pytest

from strongroom.storage.contract import Storage
from strongroom.storage.postgresql import PostgresqlStorage
from tests.cluster.database import Database
from tests.suites.storage import StorageSuite

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]


class TestPostgresql(StorageSuite):
    @pytest.fixture
    def storage(self, store: PostgresqlStorage) -> Storage:
        return store


class TestPostgresqlWithoutCache(StorageSuite):
    """Every read goes to the database."""

    @pytest.fixture
    async def storage(self, database: Database) -> AsyncIterator[Storage]:
        opened = await PostgresqlStorage.open(database.address, cache_bytes=0)
        yield opened
        await opened.close()
