"""Real PostgreSQL servers for the store: one alone, or a primary with a synchronous standby."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from strongroom.storage.postgresql.address import Address, address
from tests.contract.peers import free_port
from tests.engines.database.postgres import binaries
from tests.engines.database.unprivileged import handed_over, run_as

USER, PASSWORD = "strongroom", "the store's \\ pass\"word"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "wal_level": "replica",
    "hot_standby": "on",
    "max_wal_senders": "8",
    "unix_socket_directories": "",
}


@dataclass
class Database:
    """A running server, and which of its databases is meant."""

    data: Path
    port: int = field(default_factory=free_port)
    name: str = "postgres"
    process: subprocess.Popen[bytes] | None = None
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@{self.host}:{self.port}/{self.name}"

    @property
    def address(self) -> Address:
        return address(self.url, environment={"STRONGROOM_STORAGE_PASSWORD": PASSWORD})

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, password=PASSWORD, autocommit=True, connect_timeout=5)

    def ask(self, query: str) -> list[Any]:
        """The first column of what a query gives."""
        with self.connect() as connection:
            cursor = connection.execute(query.encode())
            return [row[0] for row in cursor.fetchall()] if cursor.description else []

    def created(self, name: str) -> "Database":
        """A new, empty database on the same server."""
        self.ask(f"CREATE DATABASE {name}")
        return replace(self, name=name)

    def start(self, **more: str) -> None:
        settings = {**SETTINGS, **more}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        self.process = run_as(
            self.data, [program("postgres"), "-D", self.data, "-p", str(self.port), *options]
        )
        self.wait()

    def wait(self) -> None:
        """Return when it answers."""
        for _ in range(600):
            asked = subprocess.run(
                [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"], check=False
            )
            if asked.returncode == 0:
                return
            assert self.process is not None
            assert self.process.poll() is None, "PostgreSQL ended"
        raise AssertionError("PostgreSQL did not start")

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it: SIGQUIT as a crash would, SIGINT as an administrator would."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def kill(self) -> None:
        """As a power cut would: the server and all that it started."""
        assert self.process is not None
        ended(self.process.pid)
        self.process.wait(30)
        self.process = None


def ended(pid: int) -> list[int]:
    """Kill a process and what it started; returns whom that was."""
    try:
        children = [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    for each in (pid, *children):
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return [pid, *children]


def program(name: str) -> Path:
    place = binaries()
    assert place is not None
    return place / name


def prepared(directory: Path) -> Database:
    """A new server's files; it is not started."""
    data = directory / "pg"
    data.mkdir(parents=True)
    secret = directory / "password"
    secret.write_text(PASSWORD + "\n", "utf-8")
    handed_over(directory, data, secret)
    options = ["-U", USER, "--pwfile", str(secret), "--auth=scram-sha-256", "-E", "UTF8", "--no-sync"]
    made = run_as(data, [program("initdb"), "-D", data, *options, "--locale=C"])
    assert made.wait(120) == 0
    return Database(data)


@contextmanager
def place() -> Iterator[Path]:
    """A directory an unprivileged server can reach, whatever other test runs do to theirs."""
    with tempfile.TemporaryDirectory(prefix="strongroom-pg-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@contextmanager
def running() -> Iterator[Database]:
    """A server of its own."""
    with place() as directory:
        server = prepared(directory)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@dataclass
class Pair:
    """A primary and the synchronous standby that confirms each of its commits; they change places."""

    place: Path
    primary: Database
    standby: Database
    made: int = 0

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in sorted((self.primary.port, self.standby.port)))
        return f"postgresql://{USER}@{hosts}/postgres"

    def fail_over(self) -> None:
        """The primary dies; the standby is promoted, and a new standby is made in the dead one's place."""
        self.primary.kill()
        promoted = run_as(self.standby.data, [program("pg_ctl"), "promote", "-w", "-D", self.standby.data])
        assert promoted.wait(60) == 0
        self.primary, self.standby = self.standby, self.primary
        self.made += 1
        self.standby = joined(self.place / f"standby-{self.made}", self.primary, self.standby.port)

    def stop(self) -> None:
        self.standby.stop()
        self.primary.stop()


def joined(directory: Path, primary: Database, port: int) -> Database:
    """A standby of `primary`, copied from it as it is named, on which its commits wait from now on."""
    data = directory / "pg"
    data.mkdir(parents=True)
    data.chmod(0o700)
    handed_over(directory, data)
    source = f"{primary.url}?sslmode=disable".replace(f"{USER}@", f"{USER}:{quote(PASSWORD)}@")
    copied = run_as(
        data,
        [
            program("pg_basebackup"),
            "-D",
            data,
            "-d",
            source,
            "-R",
            "-X",
            "stream",
            "--checkpoint=fast",
            "--no-sync",
        ],
    )
    assert copied.wait(120) == 0
    standby = Database(data, port)
    standby.start()
    primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.ask("SELECT pg_reload_conf()")
    for _ in range(400):
        if "sync" in primary.ask("SELECT sync_state FROM pg_stat_replication"):
            return standby
        time.sleep(0.05)
    raise AssertionError("the standby did not join")


@contextmanager
def paired() -> Iterator[Pair]:
    """A primary and its synchronous standby."""
    with place() as directory:
        primary = prepared(directory / "first")
        primary.start()
        pair = Pair(directory, primary, joined(directory / "second", primary, free_port()))
        try:
            yield pair
        finally:
            pair.stop()
