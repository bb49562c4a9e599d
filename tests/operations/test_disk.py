"""A bad disk under a whole server: syncs that take half a second, syncs that fail."""

import http.client
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.server.process import ask, start

pytestmark = [pytest.mark.slow, pytest.mark.component("gcc")]

SYNC_SECONDS, READ_SECONDS, READS, WRITES = 0.5, 0.2, 60, 2
ENDED = 74  # EX_IOERR


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("shim") / "disk.so"
    source = Path(__file__).parent / "disk.c"
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made


@dataclass
class Disk:
    """What `disk.c` is told: which files, and that it begins."""

    environment: pytest.MonkeyPatch
    begun: Path

    def set(self, how: str, path: str) -> None:
        self.environment.setenv("BAD_HOW", how)
        self.environment.setenv("BAD_PATH", path)
        self.environment.setenv("BAD_WHEN", str(self.begun))


@pytest.fixture
def disk(shim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk for servers started from now on, that goes bad once `begun` is there."""
    monkeypatch.setenv("LD_PRELOAD", str(shim))
    return Disk(monkeypatch, tmp_path / "begun")


def took(
    connection: http.client.HTTPConnection, method: str, token: str, secret: str = "a", **fields: int
) -> float:
    """How long a request lasts that succeeds."""
    began = time.monotonic()
    more = {"data": fields} if method == "POST" else {}
    assert ask(connection, method, f"/v1/secret/data/{secret}", token, **more)[0] == 200
    return time.monotonic() - began


def test_reads_go_on_while_writes_wait_for_the_disk(disk: Disk, tmp_path: Path) -> None:
    disk.set("slow", "store.db")
    with start("--dev", "--data", tmp_path / "data") as server:
        token, reads, writes = server.root_token, server.connect(), server.connect()
        took(reads, "POST", token, n=0)
        disk.begun.touch()
        written: list[float] = []

        def write() -> None:
            written.extend(took(writes, "POST", token, "b", n=number) for number in range(WRITES))

        writer = threading.Thread(target=write)
        writer.start()
        read: list[float] = []
        while writer.is_alive() and len(read) < READS:
            read.append(took(reads, "GET", token))
        writer.join()
        reads.close()
        writes.close()
    assert len(written) == WRITES
    assert min(written) >= SYNC_SECONDS, "the disk was not slow"
    # Nine in ten: this machine may be busy with other tests.
    assert sorted(read)[len(read) * 9 // 10] < READ_SECONDS


def test_a_read_waits_for_one_sync_of_a_slow_audit_log(disk: Disk, tmp_path: Path) -> None:
    """Both entries of a read go to disk together, and those of all reads that wait with it (ADR 0005)."""
    disk.set("slow", ".jsonl")
    with start("--dev", "--data", tmp_path / "data") as server:
        token, readers = server.root_token, [server.connect() for _ in range(8)]
        took(readers[0], "POST", token, n=0)
        disk.begun.touch()
        alone = [took(readers[0], "GET", token) for _ in range(3)]
        together: list[float] = []
        threads = [
            threading.Thread(target=lambda link=link: together.append(took(link, "GET", token)))
            for link in readers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for link in readers:
            link.close()
    assert min(alone + together) >= SYNC_SECONDS, "the log was not slow"
    assert min(alone) < 2 * SYNC_SECONDS
    # The first of eight may be on its way alone: the others then wait for its sync, and share the next.
    assert min(together) < 2 * SYNC_SECONDS
    assert max(together) < 3 * SYNC_SECONDS + 1


@pytest.mark.parametrize(
    ("failing", "said"),
    [("store.db", "the store cannot be written"), (".jsonl", "the audit log could not be synced")],
)
def test_a_failed_sync_ends_the_server_and_nothing_is_acknowledged(
    failing: str, said: str, disk: Disk, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    disk.set("fail", failing)
    with start("--dev", "--data", data) as server:
        token, connection = server.root_token, server.connect()
        took(connection, "POST", token, n=1)
        disk.begun.touch()
        with pytest.raises((http.client.HTTPException, OSError)):
            ask(connection, "POST", "/v1/secret/data/a", token, data={"n": 2})
        connection.close()
        assert server.process.wait(60) == ENDED
        assert server.process.stderr is not None
        assert said in server.process.stderr.read()
    disk.begun.unlink()
    assert_nothing_is_lost(data, token)


def assert_nothing_is_lost(data: Path, token: str) -> None:
    """What was acknowledged is there, what was not may be, and the log is whole."""
    with start("--dev", "--data", data) as server:
        connection = server.connect()
        _, answer = ask(connection, "GET", "/v1/secret/data/a", token)
        connection.close()
        assert answer["data"]["data"] in ({"n": 1}, {"n": 2})
        assert server.stop() == 0
    verify = [sys.executable, "-m", "strongroom", "audit", "verify", "--data", str(data)]
    verified = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
