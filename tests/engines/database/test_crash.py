"""A server that dies at any point leaves no account behind, and no password that nobody knows."""

import asyncio
import http.client
import os
import random
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from strongroom.framework import Operation
from strongroom.storage.memory import MemoryStorage
from strongroom.system.ceremonies import Permissions
from tests.chaos.vault import Vault, done
from tests.contract.peers import Peer
from tests.engines.database.dying import DyingStorage, Killed
from tests.engines.database.postgres import Postgres
from tests.engines.database.test_postgresql import CREATE, issue, prepare
from tests.suites.house import House

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]


@pytest.fixture
async def mortal(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[House, DyingStorage]]:
    """A house on a store that can be told to fail."""
    storage = DyingStorage(MemoryStorage())
    monkeypatch.setattr("tests.suites.house.MemoryStorage", lambda: storage)
    house = await House.opened()
    house.clock.advance(time.time() - house.clock.now())
    await house.core.timekeeper.look()
    await house.write("sys/mounts/database", {"type": "database"})
    yield house, storage
    house.core.outside.close()


async def restarted(house: House, storage: DyingStorage) -> House:
    """What a new process finds."""
    storage.dead, storage.deadly = False, 0
    house.core.outside.close()
    again = House(Permissions(), {})
    again.clock.advance(house.clock.now() - again.clock.now())
    again.shares, again.root = house.shares, house.root
    again.core.initialized = True
    await again.unseal()
    return again


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("commit", [1, 2])
async def test_issuing(mortal: tuple[House, DyingStorage], pg: Postgres, commit: int, after: bool) -> None:
    """Issuing commits twice: the pending lease, and the lease. The account is made in between."""
    house, storage = mortal
    await prepare(house, pg)
    kept, _, _ = await issue(house)
    storage.kill_at(commit, after=after)
    with pytest.raises(Killed):
        await issue(house)
    assert len(pg.accounts()) == (1 if commit == 1 else 2)
    again = await restarted(house, storage)
    await again.core.expiry.sweep()
    leases = (await again.read("sys/leases/count")).data["lease_count"]
    assert len(pg.accounts()) == leases
    assert kept in pg.accounts()
    if (commit, after) != (2, True):
        assert pg.accounts() == {kept}
    await again.write("sys/leases/revoke-prefix/database", {})
    assert pg.accounts() == set()
    await again.core.seal()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("commit", [1, 2])
async def test_revoking(mortal: tuple[House, DyingStorage], pg: Postgres, commit: int, after: bool) -> None:
    """Revoking commits twice: the wish, and the end of the lease."""
    house, storage = mortal
    await prepare(house, pg)
    _, _, lease = await issue(house)
    storage.kill_at(commit, after=after)
    with pytest.raises(Killed):
        await house.write("sys/leases/revoke-prefix/database", {})
    again = await restarted(house, storage)
    await again.core.expiry.sweep()
    if (commit, after) == (1, False):
        assert len(pg.accounts()) == 1
        await again.write("sys/leases/revoke", {"lease_id": lease})
    assert pg.accounts() == set()
    assert (await again.read("sys/leases/count")).data["lease_count"] == 0
    await again.core.seal()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("commit", [1, 2])
async def test_rotating_a_static_role(
    mortal: tuple[House, DyingStorage], pg: Postgres, commit: int, after: bool
) -> None:
    """Rotating commits twice: the new password, and that it is in force."""
    house, storage = mortal
    pg.ask("CREATE ROLE app LOGIN")
    await house.write("database/config/pg", pg.config())
    role = {"db_name": "pg", "username": "app", "rotation_period": "1h"}
    await house.write("database/static-roles/app", role)
    storage.kill_at(commit, after=after)
    with pytest.raises(Killed):
        await house.write("database/rotate-role/app", {})
    again = await restarted(house, storage)
    assert pg.logs_in("app", (await again.read("database/static-creds/app")).data["password"])
    await again.core.errands.attend(again.core.mounts["database/"])
    assert pg.logs_in("app", (await again.read("database/static-creds/app")).data["password"])
    await again.core.seal()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("commit", [1, 2])
async def test_rotating_the_root_password(
    mortal: tuple[House, DyingStorage], pg: Postgres, commit: int, after: bool
) -> None:
    house, storage = mortal
    pg.ask("CREATE ROLE manager LOGIN CREATEROLE PASSWORD 'first-password'")
    await house.write("database/config/pg", pg.config(username="manager", password="first-password"))
    storage.kill_at(commit, after=after)
    with pytest.raises(Killed):
        await house.write("database/rotate-root/pg", {})
    again = await restarted(house, storage)
    create = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'"
    await again.write("database/roles/app", {"db_name": "pg", "creation_statements": create})
    username, password, _ = await issue(again)
    assert pg.logs_in(username, password)
    await again.write("database/rotate-root/pg", {})
    assert not pg.logs_in("manager", "first-password")
    await again.core.seal()


async def test_a_token_revoked_while_its_account_is_made(house: House, pg: Postgres) -> None:
    """Neither order of the two leaves an account."""
    await prepare(house, pg, creation_statements=CREATE + "SELECT pg_sleep(0.3)")
    token = await house.token(policies=["root"])
    making = asyncio.create_task(house.ask(Operation.READ, "database/creds/app", token=token))
    asleep = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    while not pg.ask(asleep):  # noqa: ASYNC110 - the database's state is no event of ours
        await asyncio.sleep(0)
    await house.write("auth/token/revoke", {"token": token})
    with pytest.raises(Exception, match="revoked before"):
        await making
    await house.core.expiry.sweep()
    assert pg.accounts() == set()


def test_kill_9_while_many_are_issued(pg: Postgres, tmp_path: Path) -> None:
    """At a random moment of many; afterwards every account has its lease and every answer its account."""
    vault = Vault(tmp_path / "data")
    peer = vault.open()
    done(peer.call("POST", "sys/mounts/database", {"type": "database"}))
    done(peer.call("POST", "database/config/pg", pg.config()))
    role = {"db_name": "pg", "creation_statements": CREATE, "default_ttl": "1h"}
    done(peer.call("POST", "database/roles/app", role))
    drawn = random.Random(os.environ.get("STRONGROOM_SEED", "database"))
    for _ in range(3):
        peer.close()
        given = _issued_until_killed(vault, drawn.randint(1, 30))
        peer = vault.open()
        _swept(peer, pg)
        assert given <= pg.accounts()
    done(peer.call("PUT", "sys/leases/revoke-prefix/database", {}))
    assert pg.accounts() == set()
    peer.close()
    vault.stop()


class Given:
    """The accounts that clients were told of; who waits for a number of them wakes when it is there."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._told = threading.Condition()

    def add(self, name: str) -> None:
        with self._told:
            self.names.add(name)
            self._told.notify_all()

    def reached(self, count: int) -> None:
        with self._told:
            assert self._told.wait_for(lambda: len(self.names) >= count, timeout=120)


def _issued_until_killed(vault: Vault, count: int) -> set[str]:
    """What clients were told of by a server that is killed at the `count`-th, with more under way."""
    assert vault.server is not None
    given = Given()
    address = (vault.server.port, vault.token)
    clients = [threading.Thread(target=_ask, args=(Peer(*address), given)) for _ in range(4)]
    for client in clients:
        client.start()
    given.reached(count)
    vault.kill()
    for client in clients:
        client.join()
    return given.names


def _ask(peer: Peer, given: Given) -> None:
    """One account after the other, until the server is gone."""
    with suppress(OSError, http.client.HTTPException):
        while True:
            answer = peer.call("GET", "database/creds/app")
            if answer.status == 200:
                given.add(answer.body["data"]["username"])
    peer.close()


def _swept(peer: Peer, pg: Postgres) -> None:
    """Wait until the sweeper has ended what was pending: as many accounts as leases."""
    deadline = time.monotonic() + 120
    while len(pg.accounts()) != done(peer.call("GET", "sys/leases/count")).body["data"]["lease_count"]:
        assert time.monotonic() < deadline, pg.accounts()
