"""A process stopped at any write of a change of seals, or power lost there: the old seals open, or the new."""

import asyncio
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.sealing import Sealing
from strongroom.barrier.seal.state import SHAMIR, SealState, stored_state
from strongroom.barrier.seal.unseal import Unsealer
from strongroom.clock import FakeClock
from strongroom.errors import InvalidRequest, NotInitialized
from strongroom.storage.sqlite import SqliteStorage
from tests.crash.journal import Disk, lay_out
from tests.crash.seal_scenario import seal
from tests.crash.test_crash import CHECKPOINTS, Recording, acknowledged, recorded, run

pytestmark = [pytest.mark.component("gcc"), pytest.mark.slow]

SCENARIO = "seal_scenario"


@dataclass(frozen=True)
class State:
    """Who holds the root key, and which set of shares agrees."""

    held: tuple[str, ...]
    shares: int


STATES = [
    None,
    State(("one",), 0),
    State(("one", "two"), 0),
    State(("one", "two"), 0),
    State(("one", "two"), 1),
    State((), 1),
    State(("two",), 1),
]


def add_keys(directory: Path) -> None:
    for name in ("one", "two"):
        (directory / f"{name}.key").write_bytes(os.urandom(32))
        (directory / f"{name}.key").chmod(0o600)


async def observe(directory: Path, share_sets: list[list[bytes]]) -> State | None:
    """Open the store as a fresh process would: by each seal that holds it, and by the shares that agree."""
    storage = SqliteStorage(directory / "store")
    try:
        try:
            state = await stored_state(storage.begin())
        except NotInitialized:
            return None
        held = tuple(one.name for one in state.held)
        for name in held:
            barrier = Barrier(storage, FakeClock())
            await Unsealer(storage, barrier, Sealing(seal(directory, name))).open()
            assert await barrier.begin().get("entry") == b"kept"
        return State(held, await agreeing(directory, storage, state, share_sets))
    finally:
        await storage.close()


async def agreeing(
    directory: Path, storage: SqliteStorage, state: SealState, share_sets: list[list[bytes]]
) -> int:
    """The one set of shares that opens the store."""
    found = []
    sealing = Sealing() if state.kind == SHAMIR else Sealing(seal(directory, state.held[0].name))
    for number, shares in enumerate(share_sets):
        barrier = Barrier(storage, FakeClock())
        unsealer = Unsealer(storage, barrier, sealing)
        try:
            for part in shares[1:]:
                await unsealer.submit(part)
        except InvalidRequest:
            continue
        assert await barrier.begin().get("entry") == b"kept"
        found.append(number)
    [number] = found
    return number


@pytest.fixture(scope="module", params=CHECKPOINTS[:1])
def recording(
    request: pytest.FixtureRequest, shim: Path, tmp_path_factory: pytest.TempPathFactory
) -> Recording:
    base = tmp_path_factory.mktemp("recorded")
    add_keys(base)
    return recorded(shim, base, request.param, SCENARIO)


def check(recording: Recording, files: dict[str, bytearray], acked: int, work: Path, moment: str) -> None:
    target = work / "crashed"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    lay_out(files, recording.directory, target)
    found = asyncio.run(observe(target, recording.shares))
    assert found in STATES[acked : acked + 2], f"{moment}: neither the state after {acked} steps nor the next"


@pytest.fixture
def work(recording: Recording, tmp_path: Path) -> Path:
    """Where a crashed directory is laid out, with the key files beside it."""
    for name in ("one", "two"):
        shutil.copy2(recording.directory.parent / f"{name}.key", tmp_path)
    return tmp_path


def test_the_whole_life_ends_in_the_last_state(recording: Recording) -> None:
    assert sum(map(acknowledged, recording.operations)) == len(STATES) - 1
    assert asyncio.run(observe(recording.directory, recording.shares)) == STATES[-1]


def test_a_process_stopped_at_any_operation(recording: Recording, work: Path) -> None:
    disk, acked = Disk(), 0
    for number, operation in enumerate(recording.operations, 1):
        disk.apply(operation)
        acked += acknowledged(operation)
        if operation.kind != "s":
            check(recording, disk.cached, acked, work, f"after operation {number}")


@pytest.mark.parametrize("survivors", [None, 1])
def test_power_lost_at_any_operation(recording: Recording, work: Path, survivors: int | None) -> None:
    disk, acked = Disk(), 0
    chance = None if survivors is None else random.Random(survivors)
    for number, operation in enumerate(recording.operations, 1):
        disk.apply(operation)
        acked += acknowledged(operation)
        check(recording, disk.after_power_loss(chance), acked, work, f"power lost after operation {number}")


def test_a_process_really_killed(recording: Recording, shim: Path, work: Path) -> None:
    total = len(recording.operations)
    for number in (total // 3, 2 * total // 3, total - 4):
        directory = work / f"killed-{number}"
        result = run(shim, directory, CHECKPOINTS[0], SCENARIO, SHIM_KILL=f"before {number}")
        assert result.returncode == -9
        acked = (directory / "acks").stat().st_size
        assert asyncio.run(observe(directory, recording.shares)) in STATES[acked : acked + 2]
