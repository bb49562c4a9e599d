"""Backups to S3-compatible storage and of a store in PostgreSQL, and restores of either into the other."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from botocore.session import Session

from strongroom.storage.backup import file as backup_file
from tests.chaos.vault import done
from tests.cli.conftest import Shell
from tests.cluster.database import PASSWORD, Database, running
from tests.cluster.nodes import Cluster, cluster
from tests.contract.peers import Peer
from tests.server.process import start
from tests.suites.aws import amazon

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

SECRETS = 20


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with amazon() as address:
        client = Session().create_client("s3", region_name="us-east-1", endpoint_url=address)
        client.create_bucket(Bucket="backups")
        client.close()
        yield address


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with running() as started:
        yield started


class Site:
    """Two nodes over a database with secrets in it, and a shell that knows the first of them."""

    def __init__(self, made: Cluster, peers: list[Peer], place: Path) -> None:
        self.made, self.peers, self.place = made, peers, place
        self.acknowledged: list[str] = []
        self.before: list[str] = []
        node = made.nodes[0]
        assert node is not None
        settings = {"STRONGROOM_STORAGE_PASSWORD": PASSWORD}
        self.shell = Shell(place, settings)
        self.admin = self.shell.to(node, made.token)


@pytest.fixture(scope="module")
def site(server: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("site")
    with cluster(place, server.created("site").url, 2) as (made, peers):
        for number in range(SECRETS):
            done(
                peers[number % 2].call("POST", f"secret/data/s{number}", {"data": {"n": f"canary-{number}"}})
            )
        yield Site(made, peers, place)


@pytest.fixture(scope="module")
def options(endpoint: str) -> tuple[str, ...]:
    return ("--endpoint", endpoint, "--region", "us-east-1")


@pytest.fixture(scope="module")
def object_(site: Site, options: tuple[str, ...]) -> str:
    """A backup of the nodes' store in a bucket, made while both nodes write."""
    stop = threading.Event()
    writers = [threading.Thread(target=_write, args=(site, number, stop)) for number in range(2)]
    for writer in writers:
        writer.start()
    while len(site.acknowledged) < 20:
        stop.wait(0.01)
    site.before = list(site.acknowledged)
    told = site.admin.ok("operator", "backup", "--to", "s3://backups/site", "--keep", "2", *options, "--json")
    stop.set()
    for writer in writers:
        writer.join()
    assert told.json["removed"] == []
    assert told.json["file"].startswith("s3://backups/site/strongroom-")
    return str(told.json["file"])


def _write(site: Site, node: int, stop: threading.Event) -> None:
    peer, number = site.made.peer(node), 0
    while not stop.is_set():
        name = f"w{node}-{number}"
        done(peer.call("POST", f"secret/data/{name}", {"data": {"n": name}}))
        site.acknowledged.append(name)
        number += 1
    peer.close()


def _read(peer: Peer) -> list[str]:
    return [done(peer.call("GET", f"secret/data/s{n}")).body["data"]["data"]["n"] for n in range(SECRETS)]


def test_a_backup_of_a_shared_store_is_restored_into_a_directory(
    site: Site, object_: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    site.shell.ok("operator", "restore", object_, "--data", tmp_path / "alone", *options)
    with start("--data", tmp_path / "alone") as server:
        peer = Peer(server.port, site.made.token)
        assert done(peer.call("PUT", "sys/unseal", {"key": site.made.share})).body["sealed"] is False
        assert _read(peer) == [f"canary-{number}" for number in range(SECRETS)]
        for name in site.before:
            assert done(peer.call("GET", f"secret/data/{name}")).body["data"]["data"]["n"] == name
        peer.close()
        assert server.stop() == 0


def test_it_is_restored_into_an_empty_database_and_starts_sealed(
    site: Site, object_: str, options: tuple[str, ...], server: Database, tmp_path: Path
) -> None:
    empty = server.created("restored")
    words = ("operator", "restore", object_, "--storage", empty.url, "--revoke-all", *options)
    assert "nothing was changed" in site.shell.ok(*words, "--dry-run").err
    told = site.shell.ok(*words, "--json").json
    assert (told["storage"], told["revoke_all"]) == (empty.url, True)
    again = site.shell(*words)
    assert (again.code, "holds a store already" in again.err) == (2, True)
    other = Cluster(tmp_path, empty.url, token=site.made.token, share=site.made.share)
    try:
        peer = other.add()
        assert peer.call("GET", "secret/data/s1").status == 403  # --revoke-all
        peer.close()
    finally:
        other.close()


def test_a_backup_of_an_embedded_store_is_restored_into_a_database(
    site: Site, server: Database, tmp_path: Path
) -> None:
    shell = Shell(tmp_path, site.shell.settings)
    with start("--data", tmp_path / "data") as embedded:
        peer = Peer(embedded.port, "")
        made = peer.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}).body
        peer.token = made["root_token"]
        done(peer.call("PUT", "sys/unseal", {"key": made["keys"][0]}))
        done(peer.call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}))
        done(peer.call("POST", "secret/data/a", {"data": {"value": "canary"}}))
        shell.to(embedded, peer.token).ok("operator", "backup", "-o", "one.backup")
        peer.close()
    target = server.created("embedded")
    shell.ok("operator", "restore", "one.backup", "--storage", target.url)
    other = Cluster(tmp_path / "nodes", target.url, token=made["root_token"], share=made["keys"][0])
    try:
        peer = other.add()
        assert done(peer.call("GET", "secret/data/a")).body["data"]["data"] == {"value": "canary"}
        busy = shell("operator", "restore", "one.backup", "--storage", target.url)
        assert (busy.code, "a server works on" in busy.err) == (2, True)
        peer.close()
    finally:
        other.close()


def test_the_file_is_a_whole_snapshot_of_ciphertext(site: Site, tmp_path: Path) -> None:
    site.admin.ok("operator", "backup", "-o", tmp_path / "now.backup")
    assert backup_file.extract(tmp_path / "now.backup", tmp_path / "snapshot")["audit_entries"] > 0
    with closing(sqlite3.connect(tmp_path / "snapshot")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert b"canary-" not in (tmp_path / "now.backup").read_bytes()
