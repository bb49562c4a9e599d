"""A real PostgreSQL server on loopback, its data in a directory that goes with it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.engines.database.unprivileged import handed_over, lasting_port, run_as

ADMIN, PASSWORD = "admin", "admin's \\ pass\"word"


def binaries() -> Path | None:
    """Where the newest installed server's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


@dataclass
class Postgres:
    """A running server and its administrator."""

    port: int
    data: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return (
            f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{self.port}/postgres?sslmode=disable"
        )

    def config(self, **more: Any) -> dict[str, Any]:
        """What to write to `config/<name>`."""
        return {
            "plugin_name": "postgresql-database-plugin",
            "connection_url": self.url,
            "username": ADMIN,
            "password": PASSWORD,
            "allowed_roles": "*",
            **more,
        }

    def connect(self, user: str = ADMIN, password: str = PASSWORD) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=user,
            password=password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=10,
        )

    def ask(self, query: str, *values: object) -> list[Any]:
        """The first column of what a query gives."""
        with self.connect() as connection:
            cursor = connection.execute(query, values or None)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []

    def accounts(self) -> set[str]:
        """Who exists, besides the administrator and the built-in roles."""
        return set(self.ask("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'")) - {ADMIN}

    def logs_in(self, user: str, password: str) -> bool:
        try:
            self.connect(user, password).close()
        except psycopg.OperationalError as error:
            if "authentication failed" in str(error) or "not permitted" in str(error):
                return False
            raise
        return True

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        place = binaries()
        assert place is not None
        command: list[str | Path] = [place / "postgres", "-D", self.data, "-p", str(self.port), "-k", ""]
        settings = [
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=50",
            "-c",
            "shared_buffers=16MB",
        ]
        self.process = run_as(self.data, [*command, *settings])
        _wait(self)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it, as an administrator would or as a crash."""
        assert self.process is not None
        self.process.send_signal(3 if at_once else 2)
        self.process.wait(30)


@contextmanager
def running(directory: Path) -> Iterator[Postgres]:
    """Make a cluster and start it."""
    place = binaries()
    assert place is not None
    data = directory / "pg"
    data.mkdir()
    secret = directory / "password"
    secret.write_text(PASSWORD + "\n", "utf-8")
    handed_over(directory, data, secret)
    options: list[str | Path] = [
        "-U",
        ADMIN,
        "--pwfile",
        secret,
        "--auth=scram-sha-256",
        "-E",
        "UTF8",
        "--no-sync",
        "--locale=C",
    ]
    made = run_as(data, [place / "initdb", "-D", data, *options])
    assert made.wait(120) == 0
    server = Postgres(lasting_port(), data)
    server.start()
    try:
        yield server
    finally:
        server.stop(at_once=True)
        shutil.rmtree(data, ignore_errors=True)


def _wait(server: Postgres) -> None:
    ready = str(binaries() / "pg_isready")  # type: ignore[operator]
    for _ in range(300):
        asked = subprocess.run(
            [ready, "-q", "-h", "127.0.0.1", "-p", str(server.port), "-t", "1"],
            check=False,
            env={**os.environ, "PGCONNECT_TIMEOUT": "1"},
        )
        if asked.returncode == 0:
            return
        assert server.process is not None
        assert server.process.poll() is None, "PostgreSQL ended"
    raise AssertionError("PostgreSQL did not start")
