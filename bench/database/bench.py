"""Credentials of one PostgreSQL, issued and revoked: ours beside OpenBao, in turns."""

import http.client
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.engines.database import postgres
from tests.engines.database.postgres import Postgres

from bench.vault.servers import OpenBao, Server, Strongroom

PORTS = (18221, 18231)
CLIENTS = 16
GOAL = 2.0
CREATE = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';"


def main(short: bool) -> None:
    """Measure and print."""
    count, rounds = (200, 1) if short else (800, 3)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        database = stack.enter_context(postgres.running(place))
        ours = stack.enter_context(Strongroom(place / "ours", PORTS[0]))
        theirs = stack.enter_context(OpenBao(place / "theirs", PORTS[1]))
        rates: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
        for server in (ours, theirs):
            _prepare(server, database)
        for _ in range(rounds):
            rates["ours"].append(_round(ours, database, count))
            rates["theirs"].append(_round(theirs, database, count))
    for number, title in enumerate(("issued a second", "revoked a second")):
        mine, other = (median(rate[number] for rate in rates[who]) for who in ("ours", "theirs"))
        verdict = "reached" if mine / other >= GOAL else "not reached"
        print(f"  {title:<24}{mine:>10,.0f}{other:>10,.0f}{mine / other:>8.2f}x  goal {GOAL:g}x: {verdict}")


def _prepare(server: Server, database: Postgres) -> None:
    server.call("POST", "sys/mounts/database", {"type": "database"})
    server.call("POST", "database/config/pg", database.config(max_open_connections=CLIENTS))
    role = {"db_name": "pg", "creation_statements": [CREATE], "default_ttl": "1h"}
    server.call("POST", "database/roles/app", role)


def _round(server: Server, database: Postgres, count: int) -> tuple[float, float]:
    """Issue `count` accounts with several clients, revoke them by prefix; both as rates."""
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda _: _issue(server, count // CLIENTS), range(CLIENTS)))
    issued = time.perf_counter() - began
    made = len(database.accounts())
    began = time.perf_counter()
    server.call("PUT", "sys/leases/revoke-prefix/database/creds", {"sync": True})
    while database.accounts():
        time.sleep(0.05)
    return made / issued, made / (time.perf_counter() - began)


def _issue(server: Server, count: int) -> None:
    """One client with one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for _ in range(count):
        connection.request("GET", "/v1/database/creds/app", headers={"X-Vault-Token": server.token})
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise RuntimeError(f"{server.name}: {answer}")
    connection.close()
