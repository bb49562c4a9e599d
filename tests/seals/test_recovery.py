"""Recovery keys: they agree to things and open nothing."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec import structs

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.rekey import Rekey
from strongroom.barrier.seal.sealing import Sealing
from strongroom.barrier.seal.shamir import seal_from
from strongroom.barrier.seal.state import STATE_KEY, stored_state
from strongroom.barrier.seal.unseal import Unsealer, initialize
from strongroom.clock import FakeClock
from strongroom.errors import IntegrityFailure, InvalidCredentials, InvalidRequest, UpstreamFailed
from strongroom.framework.context import in_thread
from strongroom.storage.contract import StorageFull
from tests.seals.stores import FullStorage


class Store:
    """A store under a key file with recovery keys of two out of three."""

    def __init__(self, sealing: Sealing) -> None:
        self.storage = FullStorage()
        self.sealing = sealing
        self.barrier = self.closed()
        self.keys: list[bytes] = []

    def closed(self) -> Barrier:
        return Barrier(self.storage, FakeClock())

    async def open(self) -> Barrier:
        """Another node, opened without people."""
        barrier = self.closed()
        await Unsealer(self.storage, barrier, self.sealing).open()
        return barrier


@pytest.fixture
async def store(sealing: Sealing) -> Store:
    store = Store(sealing)
    store.keys = await initialize(store.storage, store.barrier, 3, 2, None, sealing)
    store.barrier = await store.open()
    return store


async def test_the_service_opens_the_store_without_people(store: Store) -> None:
    status = await Unsealer(store.storage, store.barrier, store.sealing).status()
    assert (status.kind, status.sealed, status.shares, status.threshold) == ("keyfile", False, 3, 2)
    assert status.automatic


async def test_recovery_keys_open_nothing_without_the_service(store: Store, key_file: Path) -> None:
    await in_thread(key_file.unlink)
    unsealer = Unsealer(store.storage, store.closed(), store.sealing)
    await unsealer.submit(store.keys[0])
    with pytest.raises(UpstreamFailed):
        await unsealer.submit(store.keys[1])
    state = await stored_state(store.storage.begin())
    with pytest.raises(IntegrityFailure):
        await state.root_key(seal_from(store.keys[:2]))


async def test_a_quorum_of_recovery_keys_unseals_a_server_that_was_sealed_by_hand(store: Store) -> None:
    barrier = store.closed()
    unsealer = Unsealer(store.storage, barrier, store.sealing)
    await unsealer.submit(store.keys[2])
    assert barrier.sealed
    await unsealer.submit(store.keys[0])
    assert not barrier.sealed


async def test_wrong_recovery_keys_are_refused_though_the_service_would_open(store: Store) -> None:
    barrier = store.closed()
    unsealer = Unsealer(store.storage, barrier, store.sealing)
    await unsealer.submit(store.keys[0])
    with pytest.raises(InvalidCredentials):
        await unsealer.submit(os.urandom(33))
    assert barrier.sealed


@pytest.mark.parametrize("rotate_root", [False, True])
async def test_recovery_keys_are_replaced_by_their_quorum(store: Store, rotate_root: bool) -> None:
    rekey = Rekey(store.storage, store.barrier, store.sealing)
    status = await rekey.start(2, 2, rotate_root=rotate_root)
    assert await rekey.submit(store.keys[0], status.nonce) == []
    made = await rekey.submit(store.keys[1], status.nonce)
    barrier = await store.open()
    assert barrier.holds(await store.sealing.opened(await stored_state(store.storage.begin())))
    for keys, opens in ((store.keys[:2], False), (made, True)):
        unsealer = Unsealer(store.storage, store.closed(), store.sealing)
        await unsealer.submit(keys[0])
        if opens:
            assert not (await unsealer.submit(keys[1])).sealed
        else:
            with pytest.raises(InvalidCredentials):
                await unsealer.submit(keys[1])


async def write(store: Store, change: Callable[[], Awaitable[bytes]]) -> None:
    tx = store.storage.begin()
    tx.put(STATE_KEY, await change())
    await tx.commit()


async def test_who_writes_the_store_cannot_put_recovery_keys_of_their_own_there(store: Store) -> None:
    theirs: list[bytes] = []

    async def change() -> bytes:
        forged, parts = await store.sealing.made(b"x" * 32, 3, 2)
        theirs[:] = parts
        real = await stored_state(store.storage.begin())
        return structs.replace(real, recovery=forged.recovery).encoded()

    await write(store, change)
    rekey = Rekey(store.storage, store.barrier, store.sealing)
    status = await rekey.start(1, 1)
    await rekey.submit(theirs[0], status.nonce)
    with pytest.raises(IntegrityFailure, match="not made with this root key"):
        await rekey.submit(theirs[1], status.nonce)


async def test_numbers_changed_in_the_store_do_not_open(store: Store) -> None:
    async def change() -> bytes:
        return structs.replace(await stored_state(store.storage.begin()), threshold=1).encoded()

    await write(store, change)
    with pytest.raises(IntegrityFailure):
        await store.open()


@pytest.mark.parametrize("room", [0, 1, 2])
async def test_after_a_rekey_that_a_full_disk_ends_old_or_new_keys_work(store: Store, room: int) -> None:
    rekey = Rekey(store.storage, store.barrier, store.sealing)
    status = await rekey.start(3, 2, rotate_root=True)
    await rekey.submit(store.keys[0], status.nonce)
    store.storage.room = room
    keys = store.keys
    try:
        keys = await rekey.submit(store.keys[1], status.nonce)
    except StorageFull:
        assert room < 2
    await store.open()
    unsealer = Unsealer(store.storage, store.closed(), store.sealing)
    await unsealer.submit(keys[0])
    assert not (await unsealer.submit(keys[1])).sealed


async def test_another_kind_of_service_is_told(store: Store) -> None:
    with pytest.raises(InvalidRequest, match="seal migration is pending"):
        await Unsealer(store.storage, store.closed()).open()
