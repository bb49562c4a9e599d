"""A PostgreSQL cluster of the demonstration's own, on loopback, and what in it is rotated."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from pwd import getpwnam
from typing import TYPE_CHECKING, Any

from strongroom.cli.errors import UNEXPECTED, Failure

if TYPE_CHECKING:
    from strongroom.cli.demo.stage import Stage

ADMIN = "strongroom"
START_SECONDS = 30.0


def binaries() -> Path | None:
    """Where the newest installed server's programs are, None where there is none that may be run."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found and (os.geteuid() or _user()) else None


def _user() -> str | None:
    """Whom to run it as: PostgreSQL refuses root."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return getpwnam(name).pw_name
        except KeyError:
            continue
    return None


class Postgres:
    """The cluster, with two accounts that take turns."""

    name = "PostgreSQL"
    secret = "database/static-creds/shop"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._password = secrets.token_urlsafe(18)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Postgres:
        place = binaries()
        assert place is not None  # noqa: S101  # the caller has looked
        data, word = self._folder / "data", self._folder / "password"
        self._folder.mkdir()
        word.write_text(f"{self._password}\n", "utf-8")
        user = _user()
        if user:
            self._folder.parent.chmod(0o711)
            for path in (self._folder, word):
                shutil.chown(path, user)
        self._start(
            place / "initdb", "-D", data, "-U", ADMIN, "--pwfile", word, "--auth=scram-sha-256", "-E", "UTF8",
            "--no-sync", "--locale=C",
        ).wait()  # fmt: skip
        self._process = self._start(
            place / "postgres", "-D", data, "-p", str(self._port), "-k", "",
            "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=16MB", "-c", "fsync=off",
        )  # fmt: skip
        self._ready()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(2)
            self._process.wait()

    def prepare(self, stage: Stage) -> None:
        """Make the accounts, and tell the server of the database, the role and the plan."""
        for user in ("shop_a", "shop_b"):
            self._ask(f"CREATE ROLE {user} LOGIN PASSWORD '{secrets.token_urlsafe(18)}'")
        stage.ask("POST", "sys/mounts/database", {"type": "database"})
        url = f"postgresql://{{{{username}}}}:{{{{password}}}}@{self.place}/postgres?sslmode=disable"
        stage.ask(
            "POST",
            "database/config/shop",
            {"plugin_name": "postgresql-database-plugin", "connection_url": url, "username": ADMIN,
             "password": self._password, "allowed_roles": "*"},
        )  # fmt: skip
        role = {"db_name": "shop", "username": "shop_a", "rotation_period": "24h"}
        stage.ask("POST", "database/static-roles/shop", role)
        target = {"kind": "database", "role": "database/static-roles/shop", "users": ["shop_a", "shop_b"]}
        stage.ask("POST", "rotation/plans/shop", {"target": target, "grace": 5, "settle": 1})

    def credential(self, stage: Stage, token: str) -> tuple[str, str]:
        """The account and password in force, as an application fetches them."""
        found = stage.ask("GET", self.secret, token=token)
        return found["username"], found["password"]

    def takes(self, user: str, password: str) -> bool:
        """Log in."""
        import psycopg  # noqa: PLC0415 (for this only)

        try:
            self._connect(user, password).close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self, user: str, password: str) -> Any:
        import psycopg  # noqa: PLC0415 (for this only)

        return psycopg.connect(
            host="127.0.0.1", port=self._port, user=user, password=password, dbname="postgres",
            autocommit=True, connect_timeout=5,
        )  # fmt: skip

    def _ask(self, statement: str) -> None:
        with self._connect(ADMIN, self._password) as connection:
            connection.execute(statement)

    def _start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        user = _user()
        return subprocess.Popen(  # noqa: S603  # programs of the system's own package
            [str(part) for part in command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            user=user,
            group=None if user is None else getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
        )

    def _ready(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not self.takes(ADMIN, self._password):
            if time.monotonic() > end:
                raise Failure(
                    UNEXPECTED, "PostgreSQL did not start", "Try: strongroom demo --without-postgresql"
                )
            time.sleep(0.1)
