"""Credentials of one PostgreSQL and one MariaDB, issued and revoked: ours beside OpenBao, in turns."""

import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Protocol

from tests.engines.database import mariadb, postgres

from bench.vault.servers import OpenBao, Server, Strongroom

PORTS = (18221, 18231)
CLIENTS = 16
GOAL = 2.0


class Database(Protocol):
    """A running server that the two take turns on."""

    def config(self, **more: Any) -> dict[str, Any]: ...
    def accounts(self) -> set[str]: ...


class Role(NamedTuple):
    """Which database, and how its accounts are made."""

    name: str
    database: Database
    statements: str


class Rates(NamedTuple):
    """Accounts a second, and the server's own processor time for one that is issued, in milliseconds."""

    issued: float
    revoked: float
    cpu: float


def main(short: bool) -> None:
    """Measure and print."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        servers = (
            stack.enter_context(Strongroom(place / "ours", PORTS[0])),
            stack.enter_context(OpenBao(place / "theirs", PORTS[1])),
        )
        for server in servers:
            server.call("POST", "sys/mounts/database", {"type": "database"})
        for role in _roles(stack, place):
            _compare(role, servers, short)


def _roles(stack: ExitStack, place: Path) -> Iterator[Role]:
    if postgres.binaries() is not None:
        create = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';"
        yield Role("postgresql", stack.enter_context(postgres.running(place)), create)
    create = "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}';"
    yield Role("mariadb", stack.enter_context(mariadb.running(place)), create)


def _compare(role: Role, servers: tuple[Server, Server], short: bool) -> None:
    count, rounds = (192, 1) if short else (800, 3)
    found: tuple[list[Rates], list[Rates]] = ([], [])
    for server in servers:
        _prepare(server, role)
    for _ in range(rounds):
        for server, rates in zip(servers, found, strict=True):
            rates.append(_round(server, role, count))
    for field, title in (("issued", "issued a second"), ("revoked", "revoked a second")):
        mine, other = (median(getattr(rate, field) for rate in rates) for rates in found)
        verdict = f"{GOAL:g}x {'reached' if mine / other >= GOAL else 'not reached'}"
        print(f"  {role.name:<12}{title:<18}{mine:>8,.0f}{other:>8,.0f}{mine / other:>8.2f}x  {verdict}")
    mine, other = (median(rate.cpu for rate in rates) for rates in found)
    print(f"  {role.name:<12}{'ms CPU an issue':<18}{mine:>8.2f}{other:>8.2f}")


def _prepare(server: Server, role: Role) -> None:
    config = role.database.config(max_open_connections=CLIENTS, max_idle_connections=CLIENTS)
    server.call("POST", f"database/config/{role.name}", config)
    body = {"db_name": role.name, "creation_statements": [role.statements], "default_ttl": "1h"}
    server.call("POST", f"database/roles/{role.name}", body)


def _round(server: Server, role: Role, count: int) -> Rates:
    """Issue `count` accounts with several clients, revoke them by prefix."""
    began, used = time.perf_counter(), server.cpu_seconds()
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda _: _issue(server, role, count // CLIENTS), range(CLIENTS)))
    issued, used = time.perf_counter() - began, server.cpu_seconds() - used
    made = len(role.database.accounts())
    began = time.perf_counter()
    server.call("PUT", f"sys/leases/revoke-prefix/database/creds/{role.name}", {"sync": True})
    while role.database.accounts():
        time.sleep(0.05)
    return Rates(made / issued, made / (time.perf_counter() - began), 1000 * used / made)


def _issue(server: Server, role: Role, count: int) -> None:
    """One client with one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for _ in range(count):
        connection.request("GET", f"/v1/database/creds/{role.name}", headers={"X-Vault-Token": server.token})
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise RuntimeError(f"{server.name}: {answer}")
    connection.close()
