"""Connecting: one server after the other, and never at the cost of what the process does meanwhile."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from strongroom.errors import Unavailable
from strongroom.storage.postgresql.address import Address, address
from strongroom.storage.postgresql.connecting import open_connection
from tests.cluster.database import PASSWORD, USER, Database

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

SECONDS = 4
ENVIRONMENT = {"STRONGROOM_STORAGE_PASSWORD": PASSWORD}


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of something that takes connections and never says a word."""
    with ExitStack() as stack:
        yield stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]


def at(hosts: str) -> Address:
    url = f"postgresql://{USER}@{hosts}/postgres?connect_timeout={SECONDS}"
    return address(url, tls="disable", environment=ENVIRONMENT)


async def test_the_process_goes_on_while_a_server_does_not_answer(silent: int) -> None:
    connecting = asyncio.create_task(asyncio.to_thread(open_connection, at(f"127.0.0.1:{silent}").conninfo))
    longest, last = 0.0, time.monotonic()
    while not connecting.done():
        await asyncio.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    with pytest.raises(Unavailable, match="the store cannot be reached"):
        await connecting
    assert longest < SECONDS - 1  # a busy machine holds the loop up too, though not as long


@pytest.mark.parametrize("before", ["127.0.0.1:{silent}", "nowhere.invalid:5432", "127.0.0.1:1"])
def test_a_server_that_cannot_be_had_is_passed_over(server: Database, silent: int, before: str) -> None:
    hosts = f"{before.format(silent=silent)},localhost:{server.port}"
    connection = open_connection(at(hosts).conninfo)
    assert connection.host == b"localhost"
    connection.finish()


def test_what_is_wrong_is_said_in_words_of_ours(server: Database) -> None:
    wrong = address(server.url, environment={"STRONGROOM_STORAGE_PASSWORD": "another"})
    with pytest.raises(Unavailable, match="the store refuses the user name or password"):
        open_connection(wrong.conninfo)
    with pytest.raises(Unavailable, match="the database or role of the store does not exist"):
        open_connection(address(f"{server.url}_no", environment=ENVIRONMENT).conninfo)
