"""From one seal to another with a quorum, and at each write the old one or the new one opens."""

from pathlib import Path

import pytest

from strongroom.barrier.seal.sealing import Backend, Sealing
from strongroom.barrier.seal.unseal import Unsealer
from strongroom.errors import InvalidCredentials, InvalidRequest, UpstreamFailed
from strongroom.storage.contract import StorageFull
from tests.seals.stores import Store, key_file_seal, off

WAYS = ["shamir to one", "shamir to two", "one to shamir", "two to shamir", "one to another"]
PENDING = "migrate option not provided and seal migration is pending"


class Move:
    """What a migration starts from and leads to, and what the configuration holds meanwhile."""

    def __init__(self, way: str, directory: Path) -> None:
        one, two, new = (key_file_seal(directory, name) for name in ("one", "two", "new"))
        self.before, self.during, self.after = {
            "shamir to one": ([], [one], [one]),
            "shamir to two": ([], [one, two], [one, two]),
            "one to shamir": ([one], [off(one)], []),
            "two to shamir": ([one, two], [off(one), off(two)], []),
            "one to another": ([one], [off(one), new], [new]),
        }[way]


@pytest.fixture(params=WAYS)
def move(request: pytest.FixtureRequest, tmp_path: Path) -> Move:
    return Move(request.param, tmp_path)


async def test_a_quorum_moves_the_store_and_keeps_its_shares(move: Move) -> None:
    store = Store()
    await store.make(*move.before)
    during = Sealing(*move.during)
    unsealer = Unsealer(store.storage, store.barrier(), during)
    assert (await unsealer.status()).migrating
    with pytest.raises(InvalidRequest, match=PENDING):
        await unsealer.open()
    with pytest.raises(InvalidRequest, match=PENDING):
        await unsealer.submit(store.shares[0])
    barrier = await store.unseal(during, migrate=True)
    assert await barrier.begin().get("entry") == b"kept"
    assert not (await unsealer.status()).migrating
    assert await store.opens(*move.after)
    assert not (await store.unseal(Sealing(*move.after))).sealed, "the shares agree as before"
    if move.before:
        assert not await store.opens(*move.before)


@pytest.mark.parametrize("room", [0, 1, 2])
async def test_a_full_disk_at_any_write_leaves_the_old_seal_or_the_new(move: Move, room: int) -> None:
    store = Store()
    await store.make(*move.before)
    store.storage.room = room
    try:
        await store.unseal(Sealing(*move.during), migrate=True)
    except StorageFull:
        assert room < 2
    moved = room == 2
    assert await store.opens(*move.after) is moved
    assert await store.opens(*move.before) is not moved
    store.storage.room = 100
    if not moved:
        await store.unseal(Sealing(*move.during), migrate=True)
    assert await store.opens(*move.after)


async def test_wrong_shares_move_nothing(move: Move) -> None:
    store, other = Store(), Store()
    await store.make(*move.before)
    await other.make()
    unsealer = Unsealer(store.storage, store.barrier(), Sealing(*move.during))
    await unsealer.submit(other.shares[0], migrate=True)
    with pytest.raises(InvalidCredentials):
        await unsealer.submit(other.shares[1], migrate=True)
    assert await store.opens(*move.before)


async def test_a_new_seal_that_does_not_answer_changes_nothing(tmp_path: Path) -> None:
    store = Store()
    await store.make()
    new = key_file_seal(tmp_path, "new")
    (tmp_path / "new.key").unlink()
    with pytest.raises(UpstreamFailed):
        await store.unseal(Sealing(new), migrate=True)
    assert await store.opens()


async def test_the_last_seal_that_is_disabled_still_opens_what_it_held(tmp_path: Path) -> None:
    """Until a quorum has moved the store, taking `disabled` back is enough."""
    store = Store()
    one = key_file_seal(tmp_path, "one")
    await store.make(one)
    assert await store.opens(one)
    assert Sealing(off(one)).opens(await store.state())
    assert not Sealing(key_file_seal(tmp_path, "other")).opens(await store.state())


async def test_without_another_seal_there_is_nothing_to_migrate(tmp_path: Path) -> None:
    store = Store()
    await store.make()
    for sealing in (Sealing(), Sealing(Backend("x", key_file_seal(tmp_path, "x").seal, disabled=True))):
        with pytest.raises(InvalidRequest, match="no migration seal found"):
            await store.unseal(sealing, migrate=True)
