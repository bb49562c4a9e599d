"""Several seals at once: any one opens, and all of them are kept up to date."""

import os
from pathlib import Path

import pytest
from msgspec import structs

from strongroom.barrier.seal.rekey import Rekey
from strongroom.barrier.seal.sealing import Backend, Sealing
from strongroom.barrier.seal.state import NEXT_STATE_KEY, STATE_KEY, SealState, Wrapping, stored_state
from strongroom.barrier.seal.tending import Tending
from strongroom.barrier.seal.unseal import Unsealer
from strongroom.errors import IntegrityFailure, InvalidCredentials, InvalidRequest, UpstreamFailed
from strongroom.framework.context import in_thread
from strongroom.storage.contract import Conflict, StorageFull
from strongroom.storage.optimistic import Writes
from tests.seals.conftest import FullStorage
from tests.seals.stores import Store, key_file_seal, off


@pytest.fixture
def first(tmp_path: Path) -> Backend:
    return key_file_seal(tmp_path, "first")


@pytest.fixture
def second(tmp_path: Path) -> Backend:
    return key_file_seal(tmp_path, "second")


@pytest.fixture
async def store(first: Backend, second: Backend) -> Store:
    store = Store()
    await store.make(first, second)
    return store


async def test_any_one_of_them_opens_the_store(
    store: Store, first: Backend, second: Backend, tmp_path: Path
) -> None:
    assert (await store.state()).kind == "multiseal"
    for name in ("first", "second"):
        away = await in_thread((tmp_path / f"{name}.key").rename, tmp_path / "away")
        assert await store.opens(first, second)
        await in_thread(away.rename, tmp_path / f"{name}.key")
    assert await store.opens(first)
    assert await store.opens(second)


async def test_with_none_of_them_it_waits_for_one_that_may_come(
    store: Store, first: Backend, second: Backend, tmp_path: Path
) -> None:
    (tmp_path / "first.key").write_bytes(os.urandom(32))
    (tmp_path / "second.key").unlink()
    sealing = Sealing(first, second)
    with pytest.raises(UpstreamFailed):
        await store.open(sealing)
    assert list(sealing.refused) == ["first"]
    (tmp_path / "second.key").write_bytes(os.urandom(32))
    (tmp_path / "second.key").chmod(0o600)
    with pytest.raises(IntegrityFailure):
        await store.open(sealing)


async def test_initialising_takes_all_of_them(first: Backend, second: Backend, tmp_path: Path) -> None:
    (tmp_path / "second.key").unlink()
    with pytest.raises(UpstreamFailed):
        await Store().make(first, second)


async def test_a_seal_that_is_added_wraps_once_the_store_is_open(
    first: Backend, second: Backend, tmp_path: Path
) -> None:
    store = Store()
    await store.make(first)
    assert (await store.state()).kind == "keyfile"
    tending = await store.tended(first, second)
    assert await store.names() == ["first", "second"]
    assert tending.well
    assert await store.opens(second)
    kept = await store.unseal(Sealing(second))
    assert not kept.sealed, "the recovery keys work as before"
    assert not await tending.tend(), "there is nothing more to do"


async def test_one_that_is_away_is_ill_and_is_caught_up_with(
    first: Backend, second: Backend, tmp_path: Path
) -> None:
    store = Store()
    await store.make(first)
    away = await in_thread((tmp_path / "second.key").rename, tmp_path / "away")
    tending = await store.tended(first, second)
    assert (tending.fully_wrapped, tending.well) == (False, False)
    ill = tending.health["second"]
    assert (ill.healthy, ill.since) == (False, store.clock.now())
    store.clock.advance(60)
    await tending.tend()
    assert tending.health["second"].since == ill.since
    await in_thread(away.rename, tmp_path / "second.key")
    assert await tending.tend()
    assert tending.well
    assert await store.opens(second)


async def test_the_loss_of_one_is_noticed_while_the_store_is_open(
    store: Store, first: Backend, second: Backend, tmp_path: Path
) -> None:
    tending = await store.tended(first, second)
    assert tending.well
    (tmp_path / "first.key").write_bytes(os.urandom(32))
    assert not await tending.tend()
    assert not tending.health["first"].healthy
    assert tending.health["second"].healthy
    assert tending.fully_wrapped


async def test_a_disabled_one_is_dropped_when_another_is_seen_to_open(
    store: Store, first: Backend, second: Backend, tmp_path: Path
) -> None:
    away = await in_thread((tmp_path / "second.key").rename, tmp_path / "away")
    await store.tended(off(first), second)
    assert await store.names() == ["first", "second"]
    await in_thread(away.rename, tmp_path / "second.key")
    await store.tended(off(first), second)
    assert await store.names() == ["second"]
    assert not await store.opens(first)


async def test_one_that_the_configuration_forgot_is_kept(store: Store, first: Backend) -> None:
    await store.tended(first)
    assert await store.names() == ["first", "second"]
    unsealer = Unsealer(store.storage, store.barrier(), Sealing(first))
    assert [one.name for one in await unsealer.unconfigured()] == ["second"]
    assert await Unsealer(FullStorage(), store.barrier(), Sealing(first)).unconfigured() == []


async def test_the_root_key_is_wrapped_anew_on_demand(store: Store, first: Backend, second: Backend) -> None:
    tending = await store.tended(first, second)
    before = await store.state()
    assert await tending.tend(anew=True)
    after = await store.state()
    assert not {one.wrapped for one in before.held} & {one.wrapped for one in after.held}
    assert await store.opens(first)
    assert await store.opens(second)


async def test_a_new_root_key_leaves_out_who_is_away_until_it_returns(
    store: Store, first: Backend, second: Backend, tmp_path: Path
) -> None:
    tending = await store.tended(first, second)
    sealing = Sealing(first, second)
    rekey = Rekey(store.storage, tending._barrier, sealing)
    nonce = (await rekey.start(3, 2, rotate_root=True)).nonce
    away = await in_thread((tmp_path / "first.key").rename, tmp_path / "away")
    await rekey.submit(store.shares[0], nonce)
    await rekey.submit(store.shares[1], nonce)
    assert await store.names() == ["second"]
    await in_thread(away.rename, tmp_path / "first.key")
    assert not await store.opens(first)
    assert await tending.tend()
    assert await store.opens(first)


@pytest.mark.parametrize("room", [0, 1, 2])
async def test_a_full_disk_leaves_the_old_wrappings_or_the_new(
    first: Backend, second: Backend, room: int
) -> None:
    store = Store()
    await store.make(first)
    store.storage.room = room
    try:
        await store.tended(first, second)
    except StorageFull:
        assert room < 2
    assert await store.opens(first)
    assert await store.opens(second) is (room == 2)
    store.storage.room = 100
    await store.tended(first, second)
    assert await store.opens(second)


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
