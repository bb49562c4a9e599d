"""The barrier: nothing readable below it, nothing altered passes it, keys rotate under way."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.barrier import barrier as barrier_module
from strongroom.barrier import keyring as keyrings
from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.barrier.keyring import KEYRING_KEY
from strongroom.clock import FakeClock
from strongroom.errors import IntegrityFailure, InvalidRequest, NotInitialized, Sealed
from strongroom.storage.memory import MemoryStorage
from tests.barrier.conftest import ROOT_KEY
from tests.suites.storage import keys, write

CANARY = b"canary-in-clear"


async def put(barrier: Barrier, entries: dict[str, bytes]) -> None:
    tx = barrier.begin()
    for key, value in entries.items():
        tx.put(key, value)
    await tx.commit()


async def test_what_was_put_is_got(barrier: Barrier) -> None:
    await put(barrier, {"a/b": CANARY, "a/c": b""})
    tx = barrier.begin()
    assert [await tx.get(key) for key in ("a/b", "a/c", "a/d")] == [CANARY, b"", None]
    assert await tx.scan("a/") == ["a/b", "a/c"]
    tx.delete("a/b")
    await tx.commit()
    assert await barrier.begin().get("a/b") is None


async def test_own_writes_are_got_before_commit(barrier: Barrier) -> None:
    tx = barrier.begin()
    assert not tx.dirty
    tx.put("a", CANARY)
    assert tx.dirty
    assert await tx.get("a") == CANARY


async def test_storage_never_sees_plaintext(barrier: Barrier, storage: MemoryStorage) -> None:
    await put(barrier, {"a": CANARY})
    tx = storage.begin()
    everything = b"".join([await tx.get(key) or b"" for key in await tx.scan("")])
    assert CANARY not in everything
    assert ROOT_KEY not in everything


@settings(max_examples=50)
@given(
    entries=st.dictionaries(
        keys.filter(lambda key: not key.startswith("~")), st.binary(max_size=200), max_size=5
    )
)
def test_any_entries_survive_a_seal_and_a_rotation(entries: dict[str, bytes]) -> None:
    async def check() -> None:
        barrier = Barrier(MemoryStorage(), FakeClock())
        await barrier.initialize(ROOT_KEY)
        await barrier.unseal(ROOT_KEY)
        await put(barrier, entries)
        await barrier.rotate()
        barrier.seal()
        await barrier.unseal(ROOT_KEY)
        tx = barrier.begin()
        assert {key: await tx.get(key) for key in entries} == entries

    asyncio.run(check())


async def test_swapped_entries_are_refused(barrier: Barrier, storage: MemoryStorage) -> None:
    await put(barrier, {"mine": b"1", "yours": b"2"})
    tx = storage.begin()
    await write(storage, {"mine": await tx.get("yours"), "yours": await tx.get("mine")})
    for key in ("mine", "yours"):
        with pytest.raises(IntegrityFailure, match=f"the entry {key} does not authenticate"):
            await barrier.begin().get(key)


async def test_any_flipped_bit_is_refused(barrier: Barrier, storage: MemoryStorage) -> None:
    await put(barrier, {"a": b"plain"})
    entry = await storage.begin().get("a")
    assert entry is not None
    for bit in range(len(entry) * 8):
        damaged = bytearray(entry)
        damaged[bit // 8] ^= 1 << bit % 8
        await write(storage, {"a": bytes(damaged)})
        with pytest.raises(IntegrityFailure):
            await barrier.begin().get("a")


@pytest.mark.parametrize("length", [0, 1, 5, 20, 44])
async def test_a_truncated_entry_is_refused(barrier: Barrier, storage: MemoryStorage, length: int) -> None:
    await put(barrier, {"a": b"plain"})
    entry = await storage.begin().get("a") or b""
    await write(storage, {"a": entry[:length]})
    with pytest.raises(IntegrityFailure):
        await barrier.begin().get("a")


async def test_errors_hold_no_value(barrier: Barrier, storage: MemoryStorage) -> None:
    await put(barrier, {"a": CANARY})
    entry = await storage.begin().get("a") or b""
    await write(storage, {"b": entry})
    with pytest.raises(IntegrityFailure) as caught:
        await barrier.begin().get("b")
    assert caught.value.__cause__ is None
    assert CANARY.decode() not in str(caught.value)


async def test_damaged_entries_are_listed_and_stop_nothing(barrier: Barrier, storage: MemoryStorage) -> None:
    await put(barrier, {f"k/{number:04}": b"v" for number in range(2500)})
    await write(storage, {"k/0001": b"junk", "k/1999": b"\x01\x00\x00\x00\x01" + bytes(60), "z": b""})
    assert await barrier.damaged() == ["k/0001", "k/1999", "z"]
    assert await barrier.damaged(limit=1) == ["k/0001"]
    assert await barrier.damaged(prefix="k/1") == ["k/1999"]
    assert await barrier.begin().get("k/0002") == b"v"


async def test_a_sealed_barrier_gives_nothing(barrier: Barrier) -> None:
    await put(barrier, {"a": CANARY})
    before = barrier.begin()
    barrier.seal()
    assert barrier.sealed
    with pytest.raises(Sealed):
        barrier.begin()
    with pytest.raises(Sealed):
        await before.get("a")
    with pytest.raises(Sealed):
        before.put("a", b"2")
    with pytest.raises(Sealed):
        await barrier.rotate()
    barrier.seal()


async def test_a_wrong_root_key_does_not_unseal(barrier: Barrier) -> None:
    barrier.seal()
    for wrong in (b"x" * 32, b"", ROOT_KEY + b"r"):
        with pytest.raises(IntegrityFailure):
            await barrier.unseal(wrong)
    assert barrier.sealed


async def test_an_empty_store_is_not_initialized(storage: MemoryStorage, clock: FakeClock) -> None:
    barrier = Barrier(storage, clock)
    assert not await barrier.initialized()
    with pytest.raises(NotInitialized):
        await barrier.unseal(ROOT_KEY)


async def test_initialization_happens_once(barrier: Barrier) -> None:
    assert await barrier.initialized()
    with pytest.raises(InvalidRequest, match="already initialized"):
        await barrier.initialize(b"n" * 32)
    barrier.seal()
    await barrier.unseal(ROOT_KEY)


async def test_initialization_writes_all_or_nothing(storage: MemoryStorage, clock: FakeClock) -> None:
    barrier = Barrier(storage, clock)

    async def fail(tx: BarrierTransaction) -> None:
        tx.put("first", b"entry")
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest, match="no"):
        await barrier.initialize(ROOT_KEY, {"~raw": b"1"}, fail)
    assert await storage.begin().scan("") == []

    async def fill(tx: BarrierTransaction) -> None:
        tx.put("first", b"entry")

    await barrier.initialize(ROOT_KEY, {"~raw": b"1"}, fill)
    assert barrier.sealed
    assert await storage.begin().get("~raw") == b"1"
    await barrier.unseal(ROOT_KEY)
    assert await barrier.begin().get("first") == b"entry"
    assert barrier.key_status.encryptions == 1


async def test_rotation_adds_a_term_and_old_entries_stay_readable(barrier: Barrier, clock: FakeClock) -> None:
    started = clock.now()
    await put(barrier, {"old": b"1"})
    assert (barrier.key_status.term, barrier.key_status.installed) == (1, started)
    during = barrier.begin()
    clock.advance(60)
    assert await barrier.rotate() == 2
    assert (barrier.key_status.term, barrier.key_status.installed) == (2, started + 60)
    assert barrier.key_status.encryptions == 0
    during.put("during", b"2")
    await during.commit()
    await put(barrier, {"new": b"3"})
    tx = barrier.begin()
    assert [await tx.get(key) for key in ("old", "during", "new")] == [b"1", b"2", b"3"]


async def test_concurrent_rotations_each_add_a_term(barrier: Barrier) -> None:
    assert sorted(await asyncio.gather(*(barrier.rotate() for _ in range(5)))) == [2, 3, 4, 5, 6]
    assert barrier.key_status.term == 6


async def test_encryptions_are_counted_across_seals(barrier: Barrier) -> None:
    await put(barrier, {"a": b"1", "b": b"2"})
    await barrier.record_encryptions()
    await put(barrier, {"c": b"3"})
    assert barrier.key_status.encryptions == 3
    barrier.seal()
    await barrier.unseal(ROOT_KEY)
    assert barrier.key_status.encryptions == 2


async def test_rotation_becomes_due(barrier: Barrier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barrier_module, "ROTATE_AFTER", 2)
    await put(barrier, {"a": b""})
    assert not barrier.key_status.rotation_due
    await put(barrier, {"a": b""})
    assert barrier.key_status.rotation_due


async def test_rewrapping_changes_the_root_key_only(barrier: Barrier, storage: MemoryStorage) -> None:
    await put(barrier, {"a": b"1"})
    await write(storage, {"~old": b"x"})
    await barrier.rewrap(b"n" * 32, {"~new": b"y", "~old": None})
    assert barrier.holds(b"n" * 32)
    assert not barrier.holds(ROOT_KEY)
    assert await storage.begin().scan("~") == [KEYRING_KEY, "~new"]
    await barrier.rotate()
    barrier.seal()
    with pytest.raises(IntegrityFailure):
        await barrier.unseal(ROOT_KEY)
    await barrier.unseal(b"n" * 32)
    assert await barrier.begin().get("a") == b"1"


async def test_a_keyring_that_would_not_open_is_not_stored(
    barrier: Barrier, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await storage.begin().get(KEYRING_KEY)
    other = keyrings.wrap(keyrings.fresh(0.0), b"n" * 32)
    monkeypatch.setattr(keyrings, "wrap", lambda keyring, root_key: other)
    with pytest.raises(IntegrityFailure, match="the old one stays"):
        await barrier.rewrap(b"n" * 32)
    assert await storage.begin().get(KEYRING_KEY) == before
    assert barrier.holds(ROOT_KEY)


class SlowStorage(MemoryStorage):
    """Holds back the answer to a stored keyring until told."""

    hold: asyncio.Event | None = None

    async def apply(self, writes: dict[str, bytes | None]) -> None:
        await super().apply(writes)
        if self.hold is not None and KEYRING_KEY in writes:
            await self.hold.wait()


async def test_sealing_during_a_rotation_brings_no_key_back(clock: FakeClock) -> None:
    storage = SlowStorage()
    barrier = Barrier(storage, clock)
    await barrier.initialize(ROOT_KEY)
    await barrier.unseal(ROOT_KEY)
    storage.hold = asyncio.Event()
    tx = barrier.begin()
    rotation = asyncio.create_task(barrier.rotate())
    await asyncio.sleep(0)
    barrier.seal()
    storage.hold.set()
    assert await rotation == 2
    with pytest.raises(Sealed):
        tx.put("a", b"")
    await barrier.unseal(ROOT_KEY)
    assert barrier.key_status.term == 2


async def test_a_keyring_changed_by_another_node_is_extended_not_overwritten(clock: FakeClock) -> None:
    storage = SlowStorage()
    here, there = Barrier(storage, clock), Barrier(storage, clock)
    await here.initialize(ROOT_KEY)
    await here.unseal(ROOT_KEY)
    await there.unseal(ROOT_KEY)
    assert await there.rotate() == 2
    assert await here.rotate() == 3
    here.seal()
    await here.unseal(ROOT_KEY)
    assert here.key_status.term == 3


def test_a_term_prints_no_key() -> None:
    assert "key" not in repr(keyrings.fresh(0.0)).replace("Keyring", "").lower()
