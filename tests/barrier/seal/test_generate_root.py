"""Root generation: a quorum, a nonce, and a token only the starter can read."""

import asyncio
import base64

import pytest

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.generate_root import GenerateRoot
from strongroom.barrier.seal.rekey import Rekey
from strongroom.barrier.seal.unseal import Unsealer, initialize
from strongroom.clock import FakeClock
from strongroom.errors import IntegrityFailure, InvalidCredentials, InvalidRequest, Sealed
from strongroom.storage.contract import Transaction
from strongroom.storage.memory import MemoryStorage
from strongroom.storage.optimistic import OptimisticTransaction

TOKEN = "hvs." + "t" * 24


class Ceremony:
    """An open store of a 3-of-2 seal, and how often a token was issued."""

    def __init__(self, storage: MemoryStorage, barrier: Barrier, shares: list[bytes]) -> None:
        self.storage = storage
        self.barrier = barrier
        self.shares = shares
        self.issued = 0
        self.token = TOKEN
        self.generate = GenerateRoot(storage, barrier, self.issue, len(TOKEN))

    async def issue(self) -> str:
        self.issued += 1
        return self.token


@pytest.fixture
async def ceremony(storage: MemoryStorage, clock: FakeClock) -> Ceremony:
    barrier = Barrier(storage, clock)
    shares = await initialize(storage, barrier, 3, 2)
    unsealer = Unsealer(storage, barrier)
    for part in shares[:2]:
        await unsealer.submit(part)
    return Ceremony(storage, barrier, shares)


def unmask(encoded: str, otp: str) -> str:
    masked = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    return bytes(left ^ right for left, right in zip(masked, otp.encode(), strict=True)).decode()


@pytest.mark.parametrize("chosen", ["", "o" * len(TOKEN)])
async def test_a_quorum_makes_a_token(ceremony: Ceremony, chosen: str) -> None:
    started = await ceremony.generate.start(chosen)
    assert (started.started, started.required, started.otp_length) == (True, 2, 28)
    assert bool(started.otp) is not bool(chosen)
    assert started.otp.isalnum() or chosen
    status = await ceremony.generate.submit(ceremony.shares[0], started.nonce)
    assert (status.progress, status.complete, status.otp) == (1, False, "")
    status = await ceremony.generate.submit(ceremony.shares[2], started.nonce)
    assert (status.progress, status.complete) == (2, True)
    assert unmask(status.encoded_token, chosen or started.otp) == TOKEN
    assert TOKEN not in status.encoded_token
    after = await ceremony.generate.status()
    assert (after.started, after.progress, after.nonce, ceremony.issued) == (False, 0, "", 1)


async def test_wrong_shares_make_none(ceremony: Ceremony) -> None:
    nonce = (await ceremony.generate.start()).nonce
    await ceremony.generate.submit(ceremony.shares[0], nonce)
    with pytest.raises(InvalidCredentials):
        await ceremony.generate.submit(b"x" * 33, nonce)
    with pytest.raises(InvalidRequest, match="nonce"):
        await ceremony.generate.submit(ceremony.shares[0], "other")
    assert (await ceremony.generate.status()).progress == 0
    assert ceremony.issued == 0


async def test_steps_out_of_order_are_refused(ceremony: Ceremony) -> None:
    with pytest.raises(InvalidRequest, match="no root generation"):
        await ceremony.generate.submit(ceremony.shares[0], "")
    with pytest.raises(InvalidRequest, match="28 characters"):
        await ceremony.generate.start("short")
    nonce = (await ceremony.generate.start()).nonce
    with pytest.raises(InvalidRequest, match="already"):
        await ceremony.generate.start()
    await ceremony.generate.submit(ceremony.shares[0], nonce)
    ceremony.generate.cancel()
    ceremony.generate.cancel()
    assert not (await ceremony.generate.status()).started


async def test_a_sealed_barrier_makes_none(ceremony: Ceremony) -> None:
    nonce = (await ceremony.generate.start()).nonce
    ceremony.barrier.seal()
    with pytest.raises(Sealed):
        await ceremony.generate.submit(ceremony.shares[0], nonce)
    ceremony.generate.cancel()
    with pytest.raises(Sealed):
        await ceremony.generate.start()


async def test_a_quorum_completed_twice_at_once_makes_one_token(ceremony: Ceremony) -> None:
    nonce = (await ceremony.generate.start()).nonce
    await ceremony.generate.submit(ceremony.shares[0], nonce)
    last = (ceremony.generate.submit(part, nonce) for part in (ceremony.shares[1], ceremony.shares[2]))
    await asyncio.gather(*last, return_exceptions=True)
    assert ceremony.issued == 1


class RemoteStorage(MemoryStorage):
    """Answers reads in a later turn of the loop, as a database server does."""

    remote = False

    def begin(self) -> Transaction:
        tx = super().begin()
        return RemoteTransaction(self) if self.remote else tx


class RemoteTransaction(OptimisticTransaction):
    async def get(self, key: str) -> bytes | None:
        await asyncio.sleep(0)
        return await super().get(key)


async def test_a_cancelled_attempt_makes_none_though_its_quorum_is_complete(clock: FakeClock) -> None:
    storage = RemoteStorage()
    barrier = Barrier(storage, clock)
    [part] = await initialize(storage, barrier, 1, 1)
    await Unsealer(storage, barrier).submit(part)
    ceremony = Ceremony(storage, barrier, [part])
    nonce = (await ceremony.generate.start()).nonce
    storage.remote = True
    last = asyncio.create_task(ceremony.generate.submit(part, nonce))
    await asyncio.sleep(0)
    ceremony.generate.cancel()
    with pytest.raises(InvalidRequest, match="cancelled"):
        await last
    assert ceremony.issued == 0


async def test_shares_of_another_seal_on_this_barrier_are_noticed(
    ceremony: Ceremony, clock: FakeClock
) -> None:
    """The seal's state was replaced by that of another store while this one was open."""
    other = MemoryStorage()
    foreign = await initialize(other, Barrier(other, clock), 3, 2)
    from_other = GenerateRoot(other, ceremony.barrier, ceremony.issue, len(TOKEN))
    nonce = (await from_other.start()).nonce
    await from_other.submit(foreign[0], nonce)
    with pytest.raises(IntegrityFailure, match="another root key"):
        await from_other.submit(foreign[1], nonce)
    assert ceremony.issued == 0


async def test_a_token_longer_than_its_password_is_not_given_out(ceremony: Ceremony) -> None:
    nonce = (await ceremony.generate.start()).nonce
    ceremony.token = TOKEN + "x"
    await ceremony.generate.submit(ceremony.shares[0], nonce)
    with pytest.raises(ValueError, match="differ in length"):
        await ceremony.generate.submit(ceremony.shares[1], nonce)


async def test_shares_replaced_by_a_rekey_no_longer_count(ceremony: Ceremony) -> None:
    rekey = Rekey(ceremony.storage, ceremony.barrier)
    nonce = (await rekey.start(2, 2)).nonce
    for part in ceremony.shares[:2]:
        await rekey.submit(part, nonce)
    nonce = (await ceremony.generate.start()).nonce
    await ceremony.generate.submit(ceremony.shares[0], nonce)
    with pytest.raises(InvalidCredentials):
        await ceremony.generate.submit(ceremony.shares[1], nonce)
