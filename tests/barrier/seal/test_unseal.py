"""Initialising and unsealing with shares."""

from itertools import combinations

import pytest

from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.barrier.seal.state import STATE_KEY, SealState, stored_state
from strongroom.barrier.seal.unseal import Unsealer, initialize
from strongroom.clock import FakeClock
from strongroom.errors import IntegrityFailure, InvalidCredentials, InvalidRequest, NotInitialized
from strongroom.storage.memory import MemoryStorage
from tests.suites.storage import write


@pytest.fixture
def closed(storage: MemoryStorage, clock: FakeClock) -> Barrier:
    return Barrier(storage, clock)


@pytest.fixture
def unsealer(storage: MemoryStorage, closed: Barrier) -> Unsealer:
    return Unsealer(storage, closed)


async def test_every_quorum_unseals(storage: MemoryStorage, closed: Barrier, unsealer: Unsealer) -> None:
    parts = await initialize(storage, closed, 5, 3)
    assert {len(part) for part in parts} == {33}
    for quorum in combinations(parts, 3):
        assert closed.sealed
        progress = [(await unsealer.submit(part)).progress for part in quorum]
        assert progress == [1, 2, 0]
        assert not closed.sealed
        closed.seal()


async def test_one_share_is_the_key_itself(
    storage: MemoryStorage, closed: Barrier, unsealer: Unsealer
) -> None:
    [part] = await initialize(storage, closed, 1, 1)
    assert len(part) == 32
    assert not (await unsealer.submit(part)).sealed


async def test_status_before_during_and_after(
    storage: MemoryStorage, closed: Barrier, unsealer: Unsealer
) -> None:
    status = await unsealer.status()
    assert (status.initialized, status.sealed, status.threshold) == (False, True, 0)
    with pytest.raises(NotInitialized):
        await unsealer.submit(b"x" * 33)
    first, second = await initialize(storage, closed, 2, 2)
    status = await unsealer.status()
    assert (status.kind, status.shares, status.threshold, status.nonce) == ("shamir", 2, 2, "")
    status = await unsealer.submit(first)
    assert (status.progress, bool(status.nonce), status.sealed) == (1, True, True)
    status = await unsealer.submit(second)
    assert (status.progress, status.nonce, status.sealed) == (0, "", False)
    assert (await unsealer.submit(second)).progress == 0


async def test_the_same_share_again_is_no_progress(
    storage: MemoryStorage, closed: Barrier, unsealer: Unsealer
) -> None:
    first, *_ = await initialize(storage, closed, 3, 2)
    await unsealer.submit(first)
    assert (await unsealer.submit(first)).progress == 1
    assert closed.sealed


async def test_progress_can_be_reset(storage: MemoryStorage, closed: Barrier, unsealer: Unsealer) -> None:
    first, second, third = await initialize(storage, closed, 3, 3)
    await unsealer.submit(first)
    unsealer.reset()
    assert (await unsealer.status()).progress == 0
    await unsealer.submit(second)
    assert (await unsealer.submit(third)).progress == 2


@pytest.mark.parametrize("part", [b"", b"x" * 32, b"x" * 34, b"x" * 100_000])
async def test_what_cannot_be_a_share_is_refused(
    storage: MemoryStorage, closed: Barrier, unsealer: Unsealer, part: bytes
) -> None:
    await initialize(storage, closed, 3, 2)
    with pytest.raises(InvalidRequest):
        await unsealer.submit(part)
    assert (await unsealer.status()).progress == 0


@pytest.mark.parametrize("last", [33 * b"x", 32 * b"x" + b"\x00"])
async def test_wrong_shares_reset_progress(
    storage: MemoryStorage, closed: Barrier, unsealer: Unsealer, last: bytes
) -> None:
    first, second, _ = await initialize(storage, closed, 3, 2)
    await unsealer.submit(first)
    with pytest.raises(InvalidCredentials) as caught:
        await unsealer.submit(last)
    assert first.hex() not in str(caught.value)
    assert (await unsealer.status()).progress == 0
    await unsealer.submit(first)
    assert not (await unsealer.submit(second)).sealed


@pytest.mark.parametrize(("shares", "threshold"), [(0, 0), (256, 3), (3, 4), (3, 0), (3, 1), (-1, -1)])
async def test_impossible_numbers_are_refused(
    storage: MemoryStorage, closed: Barrier, shares: int, threshold: int
) -> None:
    with pytest.raises(InvalidRequest):
        await initialize(storage, closed, shares, threshold)
    assert await storage.begin().scan("") == []


async def test_a_second_initialization_changes_nothing(
    storage: MemoryStorage, closed: Barrier, unsealer: Unsealer
) -> None:
    first, second = await initialize(storage, closed, 2, 2)
    with pytest.raises(InvalidRequest):
        await initialize(storage, closed, 2, 2)
    await unsealer.submit(first)
    assert not (await unsealer.submit(second)).sealed


async def test_first_entries_are_part_of_initialization(
    storage: MemoryStorage, closed: Barrier, unsealer: Unsealer
) -> None:
    async def populate(tx: BarrierTransaction) -> None:
        tx.put("token/root", b"hash")

    for part in await initialize(storage, closed, 2, 2, populate):
        await unsealer.submit(part)
    assert await closed.begin().get("token/root") == b"hash"


async def test_lowered_numbers_in_storage_do_not_open(
    storage: MemoryStorage, closed: Barrier, unsealer: Unsealer
) -> None:
    """A storage administrator rewrites the threshold: the wrapped root key is bound to the true one."""
    first, second, _ = await initialize(storage, closed, 3, 3)
    state = await stored_state(storage.begin())
    await write(storage, {STATE_KEY: SealState(state.kind, 2, 2, state.wrapped).encoded()})
    await unsealer.submit(first)
    with pytest.raises(InvalidCredentials):
        await unsealer.submit(second)
    assert closed.sealed


async def test_shares_that_do_not_rebuild_are_never_given_out(
    storage: MemoryStorage, closed: Barrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.crypto.shamir.combine", lambda parts: b"x" * 32)
    with pytest.raises(IntegrityFailure, match="nothing was changed"):
        await initialize(storage, closed, 3, 2)
    assert await storage.begin().scan("") == []
