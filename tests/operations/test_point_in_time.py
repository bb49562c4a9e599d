"""PostgreSQL goes back to a moment by a base backup and its archived log; the servers notice and say so."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from strongroom.audit.segments import segments
from strongroom.server.seen import ACCEPTED, FILE
from tests.chaos.vault import done
from tests.cli.conftest import Shell
from tests.cluster.database import PASSWORD, USER, Database, place, prepared, program
from tests.cluster.nodes import Cluster, cluster
from tests.engines.database.unprivileged import handed_over, run_as

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]


class Archived:
    """A server that archives its log, a base backup of it, and a later server recovered from both."""

    def __init__(self, directory: Path) -> None:
        self.archive, self.base = directory / "archive", directory / "base/pg"
        self.archive.mkdir()
        self.base.mkdir(parents=True, mode=0o700)
        self.primary = prepared(directory / "first")
        handed_over(directory, self.archive, self.base.parent, self.base)
        self.primary.start(archive_mode="on", archive_command=f"cp %p {self.archive}/%f")

    def back_up(self) -> None:
        source = f"{self.primary.url}?sslmode=disable".replace(f"{USER}@", f"{USER}:{quote(PASSWORD)}@")
        options = ["-D", str(self.base), "-d", source, "--checkpoint=fast", "--no-sync"]
        assert run_as(self.base, [program("pg_basebackup"), *options]).wait(120) == 0

    def now(self) -> str:
        return str(self.primary.ask("SELECT clock_timestamp()")[0])

    def end(self) -> None:
        """The archive is complete, and the primary gone."""
        (last,) = self.primary.ask("SELECT pg_walfile_name(pg_switch_wal())")
        for _ in range(2400):
            if (self.archive / last).exists():
                self.primary.stop()
                return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL does not archive its log")

    def recovered(self, moment: str) -> Database:
        """A server of the base backup, as of `moment`."""
        (self.base / "recovery.signal").touch()
        handed_over(self.base, self.base / "recovery.signal")
        made = Database(self.base)
        made.start(
            restore_command=f"cp {self.archive}/%f %p",
            recovery_target_time=moment,
            recovery_target_action="promote",
        )
        for _ in range(2400):
            if made.ask("SELECT pg_is_in_recovery()") == [False]:
                return made
            time.sleep(0.05)
        raise AssertionError("PostgreSQL did not come out of recovery")


@pytest.fixture
def archived() -> Iterator[Archived]:
    with place() as directory:
        made = Archived(directory)
        yield made
        made.primary.stop()


def _written(node: Cluster, path: str) -> None:
    peer = node.peer(0)
    done(peer.call("POST", f"secret/data/{path}", {"data": {"value": path}}))
    peer.close()


def _stop(node: Cluster) -> None:
    server, node.nodes[0] = node.nodes[0], None
    assert server is not None
    assert server.stop() == 0
    server.process.communicate()


def _refused(shell: Shell, data: Path, url: str) -> str:
    ran = shell("server", "--data", data, "--storage", url, "--listen", "127.0.0.1:0")
    assert ran.code == 2
    return ran.err


def test_a_store_that_has_gone_back_is_served_only_when_someone_accepts_it(
    archived: Archived, tmp_path: Path
) -> None:
    with cluster(tmp_path, archived.primary.url, 1) as (node, _):
        archived.back_up()
        _written(node, "before")
        moment = archived.now()
        _written(node, "after")
        _stop(node)
    archived.end()
    earlier, data = archived.recovered(moment), tmp_path / "node-0"
    try:
        shell = Shell(tmp_path, {"STRONGROOM_STORAGE_PASSWORD": PASSWORD})
        said = _refused(shell, data, earlier.url)
        assert "the database is behind what this node has seen" in said
        assert "are missing" in said
        assert f"mv {data / FILE} {data / ACCEPTED}" in said
        (data / FILE).rename(data / ACCEPTED)
        again = Cluster(tmp_path, earlier.url, token=node.token, share=node.share)
        try:
            peer = again.add()
            assert done(peer.call("GET", "secret/data/before")).body["data"]["data"] == {"value": "before"}
            assert peer.call("GET", "secret/data/after").status == 404
            peer.close()
        finally:
            again.close()
        entries = segments(data / "audit")[-1].path.read_bytes()
        assert b'"operation":"accept-earlier-store"' in entries
        assert b'"path":"secret/data/after"' in entries  # the log tells of what the store has lost
        assert not (data / ACCEPTED).exists()
    finally:
        earlier.stop()


def test_another_store_than_the_node_has_worked_on_is_refused_as_well(tmp_path: Path) -> None:
    with place() as directory:
        database = prepared(directory)
        database.start()
        try:
            first, second = database.created("one"), database.created("two")
            with cluster(tmp_path, first.url, 1) as (node, _):
                _stop(node)
            shell = Shell(tmp_path, {"STRONGROOM_STORAGE_PASSWORD": PASSWORD})
            assert "has worked on another store" in _refused(shell, tmp_path / "node-0", second.url)
        finally:
            database.stop()
