"""A real MariaDB server on loopback, its data in a directory that goes with it."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from pymysql.connections import Connection

from tests.engines.database.unprivileged import handed_over, lasting_port, run_as

ADMIN, PASSWORD = "admin", "admin's \\ pass\"word"
OWN = {ADMIN, "root", "mariadb.sys", "mysql", "PUBLIC", ""}


class Ended(Exception):
    """The server stopped while it started; what it said last."""


@dataclass
class MariaDB:
    """A running server and its administrator."""

    port: int
    data: Path
    process: subprocess.Popen[bytes] | None = None

    def config(self, **more: Any) -> dict[str, Any]:
        """What to write to `config/<name>`."""
        return {
            "plugin_name": "mysql-database-plugin",
            "connection_url": f"{{{{username}}}}:{{{{password}}}}@tcp(127.0.0.1:{self.port})/",
            "username": ADMIN,
            "password": PASSWORD,
            "allowed_roles": "*",
            **more,
        }

    def connect(self, user: str = ADMIN, password: str = PASSWORD) -> "Connection[Any]":
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user=user,
            password=password,
            autocommit=True,
            connect_timeout=10,
            ssl_disabled=True,  # reading the system's authorities takes longer than all the rest
        )

    def ask(self, query: str, *values: object) -> list[Any]:
        """The first column of what a query gives."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return [row[0] for row in cursor.fetchall()]

    def accounts(self) -> set[str]:
        """Who exists, besides the administrator and the built-in accounts."""
        return set(self.ask("SELECT User FROM mysql.user")) - OWN

    def logs_in(self, user: str, password: str) -> bool:
        try:
            self.connect(user, password).close()
        except pymysql.OperationalError as error:
            if error.args[0] == 1045:
                return False
            raise
        return True

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.process = run_as(
            self.data,
            [
                shutil.which("mariadbd", path="/usr/sbin:/usr/bin") or "mariadbd",
                "--no-defaults",
                f"--datadir={self.data}",
                f"--port={self.port}",
                "--bind-address=127.0.0.1",
                f"--socket={self.data}/s.sock",
                f"--pid-file={self.data}/pid",
                "--skip-log-bin",
                "--innodb-buffer-pool-size=16M",
                "--innodb-flush-log-at-trx-commit=0",
                f"--init-file={self.data}/init.sql",
            ],
        )
        _wait(self)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it, as an administrator would or as a crash."""
        assert self.process is not None
        self.process.send_signal(9 if at_once else 15)
        self.process.wait(60)


@contextmanager
def running(directory: Path) -> Iterator[MariaDB]:
    """Make a data directory and start a server on it."""
    data = directory / "my"
    data.mkdir()
    handed_over(directory, data)
    made = run_as(
        data,
        [
            "/usr/bin/mariadb-install-db",
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
    )
    assert made.wait(120) == 0
    quoted = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
    init = data / "init.sql"
    init.write_text(
        f"CREATE USER IF NOT EXISTS '{ADMIN}'@'%' IDENTIFIED BY '{quoted}';\n"
        f"GRANT ALL PRIVILEGES ON *.* TO '{ADMIN}'@'%' WITH GRANT OPTION;\n"
        "DROP USER IF EXISTS ''@'localhost';\n",
        "utf-8",
    )
    handed_over(data, init)
    server = _started(data)
    try:
        yield server
    finally:
        server.stop(at_once=True)
        shutil.rmtree(data, ignore_errors=True)


def _started(data: Path, tries: int = 3) -> MariaDB:
    """A server on `data`; on another port when somebody took the first one meanwhile."""
    server = MariaDB(lasting_port(), data)
    try:
        server.start()
    except Ended:
        if tries == 1:
            raise
        return _started(data, tries - 1)
    return server


def _wait(server: MariaDB) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            server.connect().close()
        except pymysql.Error:
            if not server.alive:
                raise Ended(
                    (server.data.parent / "server.log").read_text("utf-8", "replace")[-2000:]
                ) from None
            assert time.monotonic() < deadline, "MariaDB did not start"
            time.sleep(0.05)
        else:
            return
