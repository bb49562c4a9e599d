"""Several seals at once, when one refuses, was changed or was forgotten: nothing that opens is lost."""

import os
from pathlib import Path

import pytest
from msgspec import structs

from strongroom.barrier.seal.sealing import Backend, Sealing
from strongroom.barrier.seal.state import NEXT_STATE_KEY, STATE_KEY, SealState, Wrapping, stored_state
from strongroom.barrier.seal.tending import Tending
from strongroom.errors import IntegrityFailure, InvalidCredentials, InvalidRequest, UpstreamFailed
from strongroom.storage.contract import Conflict
from strongroom.storage.optimistic import Writes
from tests.seals.stores import FullStorage, Store, key_file_seal


async def test_a_seal_that_was_changed_meanwhile_is_left_alone(
    first: Backend, second: Backend, tmp_path: Path
) -> None:
    store = Store()
    await store.make(first)

    class Meddling:
        """Wraps as the second seal does; meanwhile another node drops the disk's state."""

        kind = "keyfile"
        version = staticmethod(second.seal.version)
        unwrap = staticmethod(second.seal.unwrap)

        async def wrap(self, root_key: bytes, associated: bytes) -> bytes:
            tx = store.storage.begin()
            tx.put(STATE_KEY, structs.replace(await stored_state(tx), bound="another").encoded())
            await tx.commit()
            return await second.seal.wrap(root_key, associated)

    with pytest.raises(InvalidRequest, match="changed meanwhile"):
        await store.tended(first, Backend("second", Meddling()))
    assert await store.names() == ["first"]


async def test_a_seal_that_refused_is_not_asked_again_until_people_act(
    store: Store, first: Backend, second: Backend
) -> None:
    asked: list[str] = []

    class Locking:
        """Counts wrong attempts, as a token does."""

        kind = "keyfile"
        wrap = staticmethod(first.seal.wrap)
        version = staticmethod(first.seal.version)

        async def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
            asked.append("unwrap")
            raise InvalidCredentials("the token refuses the PIN")

    sealing = Sealing(Backend("first", Locking()), second)
    for _ in range(3):
        await store.open(sealing)
    assert len(asked) == 1
    await store.unseal(sealing)
    assert len(asked) == 2


async def test_a_wrong_pin_of_a_seal_that_is_added_is_tried_once(first: Backend) -> None:
    asked: list[str] = []

    class Locking:
        """Refuses, and counts."""

        kind = "keyfile"
        unwrap = staticmethod(first.seal.unwrap)
        version = staticmethod(first.seal.version)

        async def wrap(self, root_key: bytes, associated: bytes) -> bytes:
            asked.append("wrap")
            raise InvalidCredentials("the token refuses the PIN")

    store = Store()
    await store.make(first)
    tending = await store.tended(first, Backend("second", Locking()))
    for _ in range(3):
        await tending.tend()
    assert len(asked) == 1
    assert tending.health["second"].why == "the token refuses the PIN"


async def test_what_a_seal_does_not_open_again_is_not_kept(first: Backend) -> None:
    class Forgetful:
        """Opens something else than it wrapped."""

        kind = "keyfile"
        wrap = staticmethod(first.seal.wrap)
        version = staticmethod(first.seal.version)

        async def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
            return bytes(32)

    store = Store()
    with pytest.raises(IntegrityFailure, match="does not open; nothing was changed"):
        await store.make(Backend("second", Forgetful()))
    await store.make(first)
    tending = await store.tended(first, Backend("second", Forgetful()))
    assert await store.names() == ["first"]
    assert not tending.well


async def test_a_wrapping_of_another_root_key_is_ill(store: Store, first: Backend, second: Backend) -> None:
    tending = await store.tended(first, second)
    state = await store.state()
    other = await first.seal.wrap(os.urandom(32), state.associated("keyfile"))
    changed = Wrapping("first", "keyfile", other), state.held[1]
    tx = store.storage.begin()
    tx.put(STATE_KEY, state.under(changed).encoded())
    await tx.commit()
    assert not await tending.tend()
    assert "another root key" in tending.health["first"].why


async def test_shares_are_not_tended_before_they_are_migrated(first: Backend) -> None:
    store = Store()
    await store.make()
    barrier = await store.unseal(Sealing())
    assert not await Tending(store.storage, barrier, Sealing(first), store.clock).tend()


async def test_the_server_is_told_when_its_seals_hold_nothing(store: Store, tmp_path: Path) -> None:
    stranger = Sealing(key_file_seal(tmp_path, "stranger"))
    with pytest.raises(InvalidRequest, match="sealed by multiseal, and the server is set to keyfile"):
        await stranger.opened(await store.state())


async def test_a_name_that_went_to_another_kind_leaves_what_the_first_holds(
    store: Store, first: Backend, second: Backend
) -> None:
    class Other:
        """Another kind, which is away."""

        kind = "other"
        unwrap = staticmethod(first.seal.unwrap)
        version = staticmethod(first.seal.version)

        async def wrap(self, root_key: bytes, associated: bytes) -> bytes:
            raise UpstreamFailed("away")

    tending = await store.tended(Backend("first", Other()), second)
    assert await store.names() == ["first", "second"]
    assert not tending.fully_wrapped
    assert await store.opens(first)


@pytest.mark.parametrize("key", [NEXT_STATE_KEY, STATE_KEY])
async def test_a_change_by_another_node_at_any_moment_stops_this_one(
    first: Backend, second: Backend, key: str
) -> None:
    store = Store()
    await store.make(first)

    class Shared(FullStorage):
        """Another node writes the same key at the same time."""

        async def apply(self, writes: Writes) -> None:
            if key == STATE_KEY and STATE_KEY in writes:
                raise Conflict
            if key == NEXT_STATE_KEY and NEXT_STATE_KEY in writes:
                state = await store.state()
                writes[NEXT_STATE_KEY] = state.encoded()
            await super().apply(writes)

    store.storage.__class__ = Shared
    with pytest.raises(InvalidRequest, match="changed meanwhile"):
        await store.tended(first, second)
    assert await store.names() == ["first"]


async def test_a_state_of_a_server_that_knew_one_seal_opens_and_takes_a_second(
    first: Backend, second: Backend
) -> None:
    """Its root key stands in `wrapped`, and the seal has its kind for a name."""
    store = Store()
    only = Backend("keyfile", first.seal)
    await store.make(only)
    new = await store.state()
    held = new.held[0]
    old = SealState(new.kind, new.shares, new.threshold, held.wrapped, new.recovery)
    tx = store.storage.begin()
    tx.put(STATE_KEY, old.encoded())
    await tx.commit()
    assert await store.opens(only)
    await store.tended(only, second)
    assert await store.opens(second)
    assert not (await store.unseal(Sealing(second))).sealed
