"""Two PostgreSQL servers under Patroni, with etcd deciding who is primary: what an operator runs."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.cluster.database import PASSWORD, SETTINGS, USER, Database, ended, place, program
from tests.engines.database.unprivileged import handed_over, lasting_port, run_as

T = TypeVar("T")

TTL = 6
"""Seconds after which a host that says nothing more is taken for dead. Patroni's own default is 30."""
START_SECONDS = 120.0
_SCOPE = "strongroom"
_DECISIONS = {
    "ttl": TTL,
    "loop_wait": 1,
    "retry_timeout": 2,
    "primary_start_timeout": 0,
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    "maximum_lag_on_failover": 2**20,
}


def until(found: Callable[[], T | None], what: str, seconds: float = START_SECONDS) -> T:
    """What `found` gives once it gives something. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = found()
        if answer is not None:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what} in {seconds:g} s")


@dataclass
class Member:
    """A host: Patroni, and the PostgreSQL server that it starts."""

    name: str
    place: Path
    etcd: int
    port: int = field(default_factory=lasting_port)
    watch: int = field(default_factory=lasting_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> Database:
        return Database(self.place / "pg", self.port)

    @property
    def configuration(self) -> Path:
        return self.place / "patroni.json"

    def prepare(self) -> None:
        """Write Patroni's configuration (JSON is YAML)."""
        self.place.mkdir(parents=True)
        account = {"username": USER, "password": PASSWORD}
        settings = {**SETTINGS, "synchronous_commit": "on", "wal_keep_size": "256MB"}
        here = "127.0.0.1"
        made = {
            "scope": _SCOPE,
            "name": self.name,
            "restapi": {"listen": f"{here}:{self.watch}", "connect_address": f"{here}:{self.watch}"},
            "etcd3": {"host": f"{here}:{self.etcd}"},
            "bootstrap": {
                "dcs": {**_DECISIONS, "postgresql": {"use_pg_rewind": True, "parameters": settings}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"{here}:{self.port}",
                "connect_address": f"{here}:{self.port}",
                "data_dir": str(self.place / "pg"),
                "bin_dir": str(program("postgres").parent),
                "pgpass": str(self.place / "pgpass"),
                "authentication": {"superuser": account, "replication": account, "rewind": account},
                "pg_hba": [f"host {kind} all 127.0.0.1/32 scram-sha-256" for kind in ("all", "replication")],
                "remove_data_directory_on_rewind_failure": True,
                "remove_data_directory_on_diverged_timelines": True,
            },
            "watchdog": {"mode": "off"},
        }
        self.configuration.write_text(json.dumps(made), "utf-8")
        handed_over(self.place.parent, self.place, self.configuration)

    def start(self) -> None:
        self.process = run_as(self.place, ["/usr/bin/patroni", self.configuration])

    def ask(self, path: str) -> Any:
        """Patroni's answer, None when there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.watch, timeout=10)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def kill_server(self) -> None:
        """PostgreSQL dies, as if the kernel had ended it; Patroni lives."""
        file = self.place / "pg" / "postmaster.pid"
        if file.exists():
            gone = ended(int(file.read_text("ascii").split()[0]))
            until(lambda: None if any(map(_lives, gone)) else True, "PostgreSQL did not end")

    def kill(self) -> None:
        """The host loses its power."""
        process, self.process = self.process, None
        if process is not None:
            ended(process.pid)
            process.wait(30)
        self.kill_server()


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@dataclass
class Patroni:
    """Both hosts, and the etcd they ask."""

    members: list[Member]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self.members)
        return f"postgresql://{USER}@{hosts}/postgres"

    def primary(self) -> Member:
        """The host whose server takes writes, once its standby confirms them."""
        return until(self._whole, "there was no primary with a synchronous standby")

    def _whole(self) -> Member | None:
        for member in self.members:
            known = member.ask("/cluster") or {}
            roles = {found["name"]: found["role"] for found in known.get("members", ())}
            if sorted(roles.values()) == ["leader", "sync_standby"]:
                leader = next(found for found in self.members if roles[found.name] == "leader")
                return leader if self._confirmed(leader) else None
        return None

    @staticmethod
    def _confirmed(leader: Member) -> bool:
        shown = leader.ask("/patroni") or {}
        return any(found.get("sync_state") == "sync" for found in shown.get("replication", ()))

    def switch_over(self) -> None:
        """As an administrator does who wants to maintain the primary."""
        leader = self.primary()
        candidate = next(member for member in self.members if member is not leader)
        change = ["--leader", leader.name, "--candidate", candidate.name, "--force"]
        subprocess.run(
            ["/usr/bin/patronictl", "-c", str(leader.configuration), "switchover", _SCOPE, *change],
            check=True,
            capture_output=True,
            timeout=120,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )

    def fail_over(self, *, host: bool) -> float:
        """Kill the primary's server, or its host, which comes back when the other has taken over.

        Returns the moment at which it was dead.
        """
        leader = self.primary()
        other = next(member for member in self.members if member is not leader)
        if not host:
            leader.kill_server()
            return time.monotonic()
        leader.kill()
        dead = time.monotonic()
        until(lambda: _leads(other) or None, "the standby did not take over")
        leader.start()
        return dead


def _leads(member: Member) -> bool:
    shown = member.ask("/patroni") or {}
    return shown.get("role") in ("master", "primary")


@contextmanager
def patroni() -> Iterator[Patroni]:
    """A primary and a synchronous standby that Patroni looks after."""
    with place() as directory:
        work = directory / "etcd" / "work"
        work.mkdir(parents=True)
        handed_over(directory / "etcd", work)
        clients, peers = (f"http://127.0.0.1:{lasting_port()}" for _ in range(2))
        options = ["--listen-client-urls", clients, "--advertise-client-urls", clients]
        options += ["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers]
        etcd = run_as(
            work,
            ["/usr/bin/etcd", "--data-dir", work / "data", *options, "--initial-cluster", f"default={peers}"],
        )
        made = Patroni(
            [
                Member(name, directory / name / "work", int(clients.rpartition(":")[2]))
                for name in ("one", "two")
            ]
        )
        try:
            for member in made.members:
                member.prepare()
                member.start()
            made.primary()
            yield made
        finally:
            for member in made.members:
                member.kill()
            etcd.send_signal(signal.SIGKILL)
            etcd.wait(30)
