"""An application that connects all the time sees no failed login through twenty rotations."""

import asyncio

import pytest

from tests.engines.database.mariadb import MariaDB
from tests.engines.database.postgres import Postgres
from tests.rotation.application import Application
from tests.rotation.house import House
from tests.rotation.test_crash import BOTH, refused
from tests.rotation.test_database import creds, prepare

ROTATIONS = 20
GRACE = 300


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Postgres | MariaDB:
    found: Postgres | MariaDB = request.getfixturevalue(request.param)
    return found


async def used_up(application: Application) -> None:
    """Wait until the application has thrown away what it had cached."""
    seen = application.fetched
    while application.fetched < seen + 2 and application.is_alive():  # noqa: ASYNC110 - a thread's progress
        await asyncio.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("server", BOTH, indirect=True)
async def test_twenty_rotations_and_no_failed_login(server: Postgres | MariaDB) -> None:
    """Grace is on the fake clock: it is over when the application had time to fetch, which here is 0.4 s."""
    house = await House.begun()
    await prepare(house, server, grace=GRACE)
    loop = asyncio.get_running_loop()

    def fetch() -> tuple[str, str]:
        return asyncio.run_coroutine_threadsafe(creds(house), loop).result(20)

    application = Application(fetch, server.logs_in)
    application.start()
    try:
        for _ in range(ROTATIONS):
            old = await creds(house)
            rotation = await house.rotate("app")
            await house.until(rotation, "grace", step=0.1)
            await used_up(application)
            house.clock.advance(GRACE)
            await house.until(rotation, "done", step=0.1)
            assert refused(server, *old)
    finally:
        await asyncio.to_thread(application.stop)
    assert application.failed == []
    assert application.users == {"app_a", "app_b"}
    assert application.logins > 4 * ROTATIONS
    await house.core.seal()
