"""Rotations of a static role by a real server, on PostgreSQL and MariaDB, while an application connects."""

import http.client
import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from tests.engines.database import mariadb, postgres
from tests.engines.database.mariadb import MariaDB
from tests.engines.database.postgres import Postgres
from tests.rotation.application import Application
from tests.rotation.test_database import make_user

from bench.vault.servers import Server, Strongroom

PORT = 18251
GRACE = 2
LOOK_SECONDS = 0.01


def main(short: bool) -> None:
    """Measure and print."""
    rounds = 4 if short else 20
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        ours = stack.enter_context(Strongroom(place / "ours", PORT))
        ours.call("POST", "sys/mounts/database", {"type": "database"})
        pair: dict[str, Postgres | MariaDB] = {
            "PostgreSQL": stack.enter_context(postgres.running(place)),
            "MariaDB": stack.enter_context(mariadb.running(place)),
        }
        for name, database in pair.items():
            _prepare(ours, database, name)
            _measure(ours, database, name, rounds)


def _prepare(server: Server, database: Postgres | MariaDB, name: str) -> None:
    for user in ("app_a", "app_b"):
        make_user(database, user)
    server.call("POST", f"database/config/{name}", database.config())
    role = {"db_name": name, "username": "app_a", "rotation_period": "24h"}
    server.call("POST", f"database/static-roles/{name}", role)
    target = {"kind": "database", "role": f"database/static-roles/{name}"}
    server.call("POST", f"rotation/plans/{name}", {"target": target, "grace": GRACE, "settle": GRACE})


def _measure(server: Server, database: Postgres | MariaDB, name: str, rounds: int) -> None:
    """Print how long a rotation takes beside its grace, and what the application saw."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def fetch() -> tuple[str, str]:
        headers = {"X-Vault-Token": server.token}
        connection.request("GET", f"/v1/database/static-creds/{name}", headers=headers)
        found = json.loads(connection.getresponse().read())["data"]
        return found["username"], found["password"]

    application = Application(fetch, database.logs_in)
    application.start()
    published, whole = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        rotation = server.call("POST", f"rotation/plans/{name}/rotate", {})["data"]["rotation"]
        _wait(server, rotation, ("grace", "retiring", "done"))
        published.append(time.perf_counter() - began)
        _wait(server, rotation, ("done",))
        whole.append(time.perf_counter() - began - GRACE)
    application.stop()
    connection.close()
    failed = len(application.failed)
    print(
        f"  {name:<12}{rounds} rotations: new credential out after {median(published) * 1000:.0f} ms; "
        f"in all {median(whole):.2f} s (p95 {quantiles(whole, n=20)[-1]:.2f} s) beside {GRACE} s of grace\n"
        f"  {'':<12}{application.logins:,} logins of an application, failed: {failed} (goal 0)"
    )


def _wait(server: Server, rotation: str, states: tuple[str, ...]) -> None:
    while server.call("GET", f"rotation/rotations/{rotation}")["data"]["state"] not in states:
        time.sleep(LOOK_SECONDS)
