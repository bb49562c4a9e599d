"""One PostgreSQL server for the tests that do not break it."""

from collections.abc import Iterator

import pytest

from tests.cluster.database import Database, running


@pytest.fixture(scope="session")
def server() -> Iterator[Database]:
    with running() as started:
        yield started
