"""A full disk, under the audit log or the store: refusals while it lasts, and no help needed afterwards."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.vault import Vault, done, entries
from tests.contract.peers import Peer

pytestmark = [pytest.mark.slow, pytest.mark.component("root")]

TRIES = 4000


class Disk:
    """A small file system that can grow."""

    def __init__(self, place: Path, size: str) -> None:
        self._place = place
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("cannot mount a tmpfs here")

    def grow(self) -> None:
        subprocess.run(["mount", "-o", "remount,size=64m", str(self._place)], check=True)

    def remove(self) -> None:
        subprocess.run(["umount", "-l", str(self._place)], check=True)


@pytest.fixture
def disks() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def opened(disks: ExitStack, data: Path, *, store: str, log: str) -> tuple[Vault, Peer, Disk, Disk]:
    """A vault whose store and audit log lie on disks of their own."""
    small = Disk(data, store)
    disks.callback(small.remove)
    audit = Disk(data / "audit", log)
    disks.callback(audit.remove)
    vault = Vault(data)
    peer = vault.open()
    disks.callback(vault.kill)
    disks.callback(peer.close)
    done(peer.call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}))
    done(peer.call("POST", "secret/data/a", {"data": {"v": "kept"}}))
    return vault, peer, small, audit


def is_write(entry: dict[str, Any]) -> bool:
    request = entry["request"]
    return entry["type"] == "request" and (request["operation"], request["path"]) == (
        "write",
        "secret/data/a",
    )


def test_a_full_audit_disk_refuses_reads_too_and_heals_by_itself(disks: ExitStack, tmp_path: Path) -> None:
    _, peer, _, audit = opened(disks, tmp_path / "data", store="64m", log="512k")
    statuses = [200]
    while statuses[-1] == 200 and len(statuses) < TRIES:
        statuses.append(peer.call("GET", "secret/data/a").status)
    assert statuses[-1] == 500
    assert peer.call("GET", "secret/data/a").status == 500
    refused = peer.call("POST", "secret/data/a", {"data": {"v": "lost"}})
    assert refused.status == 500
    assert peer.call("GET", "sys/health").status == 200
    audit.grow()
    done(peer.call("GET", "secret/data/a"))
    version = done(peer.call("POST", "secret/data/a", {"data": {"v": "new"}})).body["data"]["version"]
    # The refused write may have happened (its answer could not be logged), but never unseen.
    seen = [entry for entry in entries(tmp_path / "data") if is_write(entry)]
    assert 2 <= version <= len(seen)


def test_a_full_store_refuses_writes_keeps_reads_and_heals_by_itself(
    disks: ExitStack, tmp_path: Path
) -> None:
    _, peer, store, _ = opened(disks, tmp_path / "data", store="2m", log="64m")
    filling = "x" * 20_000
    acknowledged, status = 0, 200
    while status == 200 and acknowledged < TRIES:
        status = peer.call("POST", f"secret/data/fill-{acknowledged}", {"data": {"v": filling}}).status
        acknowledged += status == 200
    assert status == 500
    assert done(peer.call("GET", "secret/data/a")).body["data"]["data"] == {"v": "kept"}
    for number in range(acknowledged):
        assert done(peer.call("GET", f"secret/data/fill-{number}")).body["data"]["data"] == {"v": filling}
    assert peer.call("GET", f"secret/data/fill-{acknowledged}").status == 404
    store.grow()
    done(peer.call("POST", f"secret/data/fill-{acknowledged}", {"data": {"v": filling}}))
