"""Rekey: old shares or new ones, never neither."""

from collections.abc import Awaitable, Callable

import pytest

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.rekey import Rekey, RekeyStatus
from strongroom.barrier.seal.state import NEXT_STATE_KEY
from strongroom.barrier.seal.unseal import Unsealer, initialize
from strongroom.clock import FakeClock
from strongroom.errors import InvalidCredentials, InvalidRequest, NotInitialized, Sealed, StrongroomError
from strongroom.storage.contract import StorageFull
from strongroom.storage.memory import MemoryStorage
from strongroom.storage.optimistic import Writes

Opens = Callable[[list[bytes]], Awaitable[bool]]


class FullStorage(MemoryStorage):
    """Has room for so many more commits."""

    room = 1_000_000

    async def apply(self, writes: Writes) -> None:
        if self.room == 0:
            raise StorageFull("full")
        self.room -= 1
        await super().apply(writes)


@pytest.fixture
def storage() -> FullStorage:
    return FullStorage()


@pytest.fixture
async def closed(storage: MemoryStorage, clock: FakeClock) -> Barrier:
    return Barrier(storage, clock)


@pytest.fixture
async def shares(storage: MemoryStorage, closed: Barrier) -> list[bytes]:
    """The shares of a 3-of-2 seal, whose barrier is open and holds one entry."""
    parts = await initialize(storage, closed, 3, 2)
    unsealer = Unsealer(storage, closed)
    for part in parts[:2]:
        await unsealer.submit(part)
    tx = closed.begin()
    tx.put("entry", b"kept")
    await tx.commit()
    return parts


@pytest.fixture
def rekey(storage: MemoryStorage, closed: Barrier) -> Rekey:
    return Rekey(storage, closed)


@pytest.fixture
def opens(storage: MemoryStorage, clock: FakeClock) -> Opens:
    """Whether these shares open the store as a fresh process would find it."""

    async def check(parts: list[bytes]) -> bool:
        barrier = Barrier(storage, clock)
        unsealer = Unsealer(storage, barrier)
        try:
            for part in parts:
                await unsealer.submit(part)
        except StrongroomError:
            return False
        return not barrier.sealed and await barrier.begin().get("entry") == b"kept"

    return check


@pytest.mark.parametrize("rotate_root", [False, True])
async def test_new_shares_replace_old_ones(
    rekey: Rekey,
    shares: list[bytes],
    closed: Barrier,
    opens: Opens,
    storage: MemoryStorage,
    rotate_root: bool,
) -> None:
    status = await rekey.start(5, 3, rotate_root=rotate_root)
    assert (status.started, status.shares, status.threshold, status.required) == (True, 5, 3, 2)
    assert await rekey.submit(shares[0], status.nonce) == []
    assert (await rekey.status()).progress == 1
    new = await rekey.submit(shares[2], status.nonce)
    assert len(new) == 5
    assert await rekey.status() == RekeyStatus(required=3)
    assert not await opens(shares[:2])
    assert await opens(new[1:4])
    assert await storage.begin().get(NEXT_STATE_KEY) is None
    await closed.rotate()
    assert await opens(new[:3])


async def test_a_second_rekey_starts_from_the_first(rekey: Rekey, shares: list[bytes], opens: Opens) -> None:
    for numbers in ((1, 1), (4, 2)):
        nonce = (await rekey.start(*numbers, rotate_root=True)).nonce
        new: list[bytes] = []
        for part in shares:
            new = await rekey.submit(part, nonce)
            if new:
                break
        shares = new
    assert len(shares) == 4
    assert await opens(shares[:2])


@pytest.mark.parametrize("rotate_root", [False, True])
async def test_with_verification_old_shares_stay_until_new_ones_are_shown(
    rekey: Rekey, shares: list[bytes], opens: Opens, rotate_root: bool
) -> None:
    nonce = (await rekey.start(3, 3, require_verification=True, rotate_root=rotate_root)).nonce
    await rekey.submit(shares[0], nonce)
    new = await rekey.submit(shares[1], nonce)
    status = await rekey.status()
    assert status.verification_required
    assert await opens(shares[:2])
    with pytest.raises(InvalidRequest):
        await rekey.submit(shares[0], nonce)
    with pytest.raises(InvalidRequest, match="nonce"):
        await rekey.verify(new[0], nonce)
    assert [await rekey.verify(part, status.verification_nonce) for part in new[:2]] == [False, False]
    assert (await rekey.status()).verification_progress == 2
    assert await opens(shares[:2])
    assert await rekey.verify(new[2], status.verification_nonce)
    assert await opens(new)
    assert not await opens(shares[:2])
    assert not (await rekey.status()).started


async def test_failed_verification_can_be_repeated(rekey: Rekey, shares: list[bytes], opens: Opens) -> None:
    nonce = (await rekey.start(2, 2, require_verification=True)).nonce
    await rekey.submit(shares[0], nonce)
    new = await rekey.submit(shares[1], nonce)
    check = (await rekey.status()).verification_nonce
    await rekey.verify(new[0], check)
    with pytest.raises(InvalidCredentials):
        await rekey.verify(shares[0], check)
    await rekey.verify(new[0], check)
    rekey.restart_verification()
    with pytest.raises(InvalidRequest):
        await rekey.verify(new[1], check)
    check = (await rekey.status()).verification_nonce
    assert (await rekey.status()).verification_progress == 0
    await rekey.verify(new[0], check)
    assert await rekey.verify(new[1], check)
    assert await opens(new)


async def test_cancelling_keeps_the_old_shares(rekey: Rekey, shares: list[bytes], opens: Opens) -> None:
    rekey.cancel()
    nonce = (await rekey.start(2, 2, require_verification=True)).nonce
    await rekey.submit(shares[0], nonce)
    await rekey.submit(shares[1], nonce)
    rekey.cancel()
    assert not (await rekey.status()).started
    await rekey.start(2, 2)
    rekey.cancel()
    assert await opens(shares[:2])


async def test_wrong_shares_end_in_nothing(rekey: Rekey, shares: list[bytes], opens: Opens) -> None:
    nonce = (await rekey.start(2, 2)).nonce
    await rekey.submit(shares[0], nonce)
    with pytest.raises(InvalidCredentials):
        await rekey.submit(b"x" * 33, nonce)
    assert (await rekey.status()).progress == 0
    with pytest.raises(InvalidRequest, match="nonce"):
        await rekey.submit(shares[0], "another")
    assert await opens(shares[:2])


async def test_steps_out_of_order_are_refused(rekey: Rekey, shares: list[bytes], closed: Barrier) -> None:
    with pytest.raises(InvalidRequest, match="no rekey"):
        await rekey.submit(shares[0], "")
    with pytest.raises(InvalidRequest, match="no rekey"):
        await rekey.verify(shares[0], "")
    nonce = (await rekey.start(2, 2)).nonce
    with pytest.raises(InvalidRequest, match="already"):
        await rekey.start(2, 2)
    with pytest.raises(InvalidRequest, match="verified"):
        await rekey.verify(shares[0], nonce)
    with pytest.raises(InvalidRequest, match="verified"):
        rekey.restart_verification()
    rekey.cancel()
    with pytest.raises(InvalidRequest, match="threshold"):
        await rekey.start(2, 3)
    closed.seal()
    with pytest.raises(Sealed):
        await rekey.start(2, 2)


async def test_sealing_stops_a_rekey(rekey: Rekey, shares: list[bytes], closed: Barrier) -> None:
    nonce = (await rekey.start(2, 2)).nonce
    closed.seal()
    with pytest.raises(Sealed):
        await rekey.submit(shares[0], nonce)


async def test_an_uninitialized_store_has_no_rekey(rekey: Rekey) -> None:
    with pytest.raises(NotInitialized):
        await rekey.status()


@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("room", [0, 1])
async def test_a_full_disk_at_either_write_keeps_the_old_shares(
    rekey: Rekey, shares: list[bytes], opens: Opens, storage: FullStorage, room: int, verify: bool
) -> None:
    nonce = (await rekey.start(2, 2, require_verification=verify, rotate_root=True)).nonce
    await rekey.submit(shares[0], nonce)
    new = await rekey.submit(shares[1], nonce) if verify else []
    check = (await rekey.status()).verification_nonce
    if verify:
        await rekey.verify(new[0], check)
    storage.room = room
    with pytest.raises(StorageFull):
        await (rekey.verify(new[1], check) if verify else rekey.submit(shares[1], nonce))
    storage.room = 100
    assert await opens(shares[:2])
    assert (await rekey.status()).started is verify
    if verify:  # The new shares are out already, so verifying them can be tried again.
        await rekey.verify(new[0], check)
        assert await rekey.verify(new[1], check)
        assert await opens(new)
