"""Several seals at once: any one opens, and all of them are kept up to date."""

import os
from pathlib import Path

import pytest

from strongroom.barrier.seal.rekey import Rekey
from strongroom.barrier.seal.sealing import Backend, Sealing
from strongroom.barrier.seal.unseal import Unsealer
from strongroom.errors import IntegrityFailure, UpstreamFailed
from strongroom.framework.context import in_thread
from strongroom.storage.contract import StorageFull
from tests.seals.stores import FullStorage, Store, off


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
