"""A process stopped at any write, and a machine losing power there, leave the old state or the new one."""

import asyncio
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.unseal import Unsealer
from strongroom.clock import FakeClock
from strongroom.errors import InvalidRequest
from strongroom.storage.sqlite import SqliteStorage
from tests.crash.journal import Disk, Operation, lay_out, read_journal
from tests.crash.scenario import CHANGES, FIRST, Entries

pytestmark = [pytest.mark.component("gcc"), pytest.mark.slow]

HERE = Path(__file__).parent
CHECKPOINTS = [0, 2**30]
SHARE_SETS = 3


@dataclass(frozen=True)
class State:
    """What a store amounts to: which shares open it, the active term, and what it holds."""

    shares: int
    term: int
    entries: tuple[tuple[str, bytes], ...]


def expected_states() -> list[State | None]:
    """The state before the first step and after each one."""
    entries: Entries = dict(FIRST)
    shares, term = 0, 1
    states: list[State | None] = [None]
    # init, unseal, three changes, a rotation, two changes, a rekey, two changes, a rotation, a rekey
    changes = iter(CHANGES)
    for step in "iu" + "ccc" + "r" + "cc" + "k" + "cc" + "r" + "k":
        if step == "c":
            merged = {**entries, **next(changes)}
            entries = {key: value for key, value in merged.items() if value is not None}
        shares += step == "k"
        term += step == "r"
        states.append(State(shares, term, tuple(sorted(entries.items()))))
    return states


STATES = expected_states()


async def observe(directory: Path, share_sets: list[list[bytes]]) -> State | None:
    """Open the store as a fresh process would; exactly one set of shares must fit."""
    storage = SqliteStorage(directory / "store")
    try:
        barrier = Barrier(storage, FakeClock())
        unsealer = Unsealer(storage, barrier)
        if not (await unsealer.status()).initialized:
            assert not await barrier.initialized()
            assert await storage.begin().scan("") == []
            return None
        opened = []
        for number, shares in enumerate(share_sets):
            barrier.seal()
            try:
                for part in shares[:2]:
                    await unsealer.submit(part)
            except InvalidRequest:
                continue
            opened.append((number, await contents(barrier)))
        [(number, (term, entries))] = opened
        return State(number, term, entries)
    finally:
        await storage.close()


async def contents(barrier: Barrier) -> tuple[int, tuple[tuple[str, bytes], ...]]:
    assert await barrier.damaged() == []
    tx = barrier.begin()
    names = [key for key in await tx.scan("") if not key.startswith("~")]
    return barrier.key_status.term, tuple([(key, await tx.get(key) or b"") for key in names])


def run(
    shim: Path, directory: Path, checkpoint: int, scenario: str = "scenario", **settings: str
) -> subprocess.CompletedProcess[str]:
    directory.mkdir(mode=0o700)
    environment = {**os.environ, "LD_PRELOAD": str(shim), "SHIM_DIR": f"{directory}/", **settings}
    environment.pop("COVERAGE_PROCESS_START", None)
    return subprocess.run(
        [sys.executable, "-m", f"tests.crash.{scenario}", str(directory), str(checkpoint)],
        env=environment,
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass(frozen=True)
class Recording:
    directory: Path
    operations: list[Operation]
    shares: list[list[bytes]]


@pytest.fixture(scope="module", params=CHECKPOINTS, ids=["checkpointing", "one-checkpoint"])
def recording(
    request: pytest.FixtureRequest, shim: Path, tmp_path_factory: pytest.TempPathFactory
) -> Recording:
    found = recorded(shim, tmp_path_factory.mktemp("recorded"), request.param, "scenario")
    assert len(found.shares) == SHARE_SETS
    return found


def recorded(shim: Path, base: Path, checkpoint: int, scenario: str) -> Recording:
    """A whole life of that scenario."""
    result = run(shim, base / "data", checkpoint, scenario, SHIM_LOG=str(base / "log"))
    assert result.returncode == 0, result.stderr
    shares = [[bytes.fromhex(part) for part in line.split()] for line in result.stdout.splitlines()]
    return Recording(base / "data", read_journal(base / "log"), shares)


def check(recording: Recording, files: dict[str, bytearray], acked: int, work: Path, moment: str) -> None:
    """Lay the crashed directory out, open it, and compare with what was acknowledged."""
    target = work / "crashed"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    lay_out(files, recording.directory, target)
    found = asyncio.run(observe(target, recording.shares))
    assert found in STATES[acked : acked + 2], f"{moment}: neither the state after {acked} steps nor the next"


def acknowledged(operation: Operation) -> bool:
    return operation.path.endswith("/acks") and operation.kind == "w"


def test_the_whole_life_ends_in_the_last_state(recording: Recording) -> None:
    kinds = {operation.kind for operation in recording.operations}
    assert {"w", "s", "t"} <= kinds
    assert sum(map(acknowledged, recording.operations)) == len(STATES) - 1
    assert asyncio.run(observe(recording.directory, recording.shares)) == STATES[-1]


def test_a_process_stopped_at_any_operation(recording: Recording, tmp_path: Path) -> None:
    """Before and after every write, sync and truncation, and half-way through every write."""
    disk, acked = Disk(), 0
    check(recording, disk.cached, acked, tmp_path, "before the first operation")
    for number, operation in enumerate(recording.operations, 1):
        if operation.kind == "w" and len(operation.data) > 1:
            torn = Disk()
            torn.cached = {path: bytearray(content) for path, content in disk.cached.items()}
            half = operation.data[: len(operation.data) // 2]
            torn.apply(Operation("w", operation.path, operation.offset, half))
            check(recording, torn.cached, acked, tmp_path, f"in the middle of operation {number}")
        disk.apply(operation)
        acked += acknowledged(operation)
        if operation.kind != "s":
            check(recording, disk.cached, acked, tmp_path, f"after operation {number}")


@pytest.mark.parametrize("survivors", [None, 1])
def test_power_lost_at_any_operation(recording: Recording, tmp_path: Path, survivors: int | None) -> None:
    """What was not synced is gone, or some of it is, in any order."""
    disk, acked = Disk(), 0
    chance = None if survivors is None else random.Random(survivors)
    for number, operation in enumerate(recording.operations, 1):
        disk.apply(operation)
        acked += acknowledged(operation)
        check(
            recording, disk.after_power_loss(chance), acked, tmp_path, f"power lost after operation {number}"
        )


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_really_killed(recording: Recording, shim: Path, tmp_path: Path, when: str) -> None:
    """The replay above is what a kill leaves: shown at a few moments spread over the life."""
    total = len(recording.operations)
    for number in range(3, total, total // 5):
        directory = tmp_path / f"killed-{number}"
        result = run(shim, directory, CHECKPOINTS[0], SHIM_KILL=f"{when} {number}")
        assert result.returncode == -9
        acked = (directory / "acks").stat().st_size
        assert asyncio.run(observe(directory, recording.shares)) in STATES[acked : acked + 2]


@pytest.mark.parametrize("first", [1, 6, 20, 60, 90])
def test_a_disk_that_fills_and_is_freed(recording: Recording, shim: Path, tmp_path: Path, first: int) -> None:
    """Refused writes change nothing; with room again, everything goes on without a restart."""
    result = run(shim, tmp_path / "full", CHECKPOINTS[0], SHIM_FAIL=f"write {first} {first + 8}")
    assert (result.returncode, result.stderr) == (0, "")
    shares = [[bytes.fromhex(part) for part in line.split()] for line in result.stdout.splitlines()]
    state = asyncio.run(observe(tmp_path / "full", shares))
    assert state == STATES[-1]


def test_a_failed_sync_ends_the_process(recording: Recording, shim: Path, tmp_path: Path) -> None:
    """Of a commit or of a checkpoint: nothing is acknowledged any more, and what was is there."""
    syncs = [operation.path for operation in recording.operations if operation.kind == "s"]
    # SQLite does not look at how syncing a directory went; the store does that itself when it opens.
    running = [n for n, path in enumerate(syncs, 1) if n >= 10 and not path.endswith("store")]
    for number in running[:: max(1, len(running) // 6)]:
        directory = tmp_path / f"sync-{number}"
        result = run(shim, directory, CHECKPOINTS[0], SHIM_FAIL=f"sync {number} {number}")
        assert result.returncode == 74
        assert "SQLITE_IOERR_FSYNC" in result.stderr
        assert len(result.stderr.splitlines()) == 1
        acked = (directory / "acks").stat().st_size
        assert asyncio.run(observe(directory, recording.shares)) in STATES[acked : acked + 2]
