"""Views: typed values, no way out of the prefix, and listings that skip what lies below folders."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from strongroom.barrier.barrier import Barrier, BarrierTransaction
from strongroom.barrier.view import View
from strongroom.clock import FakeClock
from strongroom.errors import NotFound
from strongroom.storage.memory import MemoryStorage
from tests.barrier.conftest import ROOT_KEY
from tests.suites.storage import keys


class Record(Struct, frozen=True):
    name: str
    count: int = 0


def view(barrier: Barrier, prefix: str = "mount/1/") -> View:
    return View(barrier.begin(), prefix)


async def fill(barrier: Barrier, names: list[str], prefix: str = "mount/1/") -> None:
    tx = barrier.begin()
    for name in names:
        View(tx, prefix).put_bytes(name, b"")
    await tx.commit()


async def test_structs_come_back_typed(barrier: Barrier) -> None:
    tx = barrier.begin()
    there = View(tx, "mount/1/")
    there.put("key/a", Record("a", 2**60))
    there.put_bytes("raw", b"\x00\xff")
    await tx.commit()
    here = view(barrier)
    assert await here.get("key/a", Record) == Record("a", 2**60)
    assert await here.find("key/a", Record) == Record("a", 2**60)
    assert await here.find_bytes("raw") == b"\x00\xff"
    assert await here.holds("raw")
    assert await here.sub("key/").get("a", Record) == Record("a", 2**60)


async def test_what_is_absent_is_none_or_not_found(barrier: Barrier) -> None:
    here = view(barrier)
    assert await here.find("key/a", Record) is None
    assert await here.find_bytes("key/a") is None
    assert not await here.holds("key/a")
    with pytest.raises(NotFound, match="mount/1/key/a"):
        await here.get("key/a", Record)


async def test_a_view_neither_sees_nor_touches_its_neighbours(barrier: Barrier) -> None:
    await fill(barrier, ["a"], "mount/1/")
    await fill(barrier, ["a", "b"], "mount/2/")
    tx = barrier.begin()
    one = View(tx, "mount/1/")
    assert await one.list() == ["a"]
    assert await one.keys() == ["a"]
    one.delete("a")
    one.delete("b")
    await tx.commit()
    assert await view(barrier, "mount/2/").list() == ["a", "b"]
    assert await view(barrier, "mount/1/").list() == []


async def test_children_are_leaves_and_folders_in_order(barrier: Barrier) -> None:
    await fill(barrier, ["a", "a!", "a/b", "a/c/d", "b/x", "z"])
    here = view(barrier)
    assert await here.list() == ["a", "a!", "a/", "b/", "z"]
    assert await here.list("a/") == ["b", "c/"]
    assert await here.list("nothing/") == []


async def test_a_listing_continues_after_a_child(barrier: Barrier) -> None:
    await fill(barrier, ["a", "a/b", "a/c", "b/x", "z"])
    here = view(barrier)
    assert await here.list(limit=2) == ["a", "a/"]
    assert await here.list(after="a/") == ["b/", "z"]
    assert await here.list(after="a/", limit=1) == ["b/"]
    assert await here.list(after="a/b") == ["b/", "z"]
    assert await here.list(after="z") == []


async def test_whole_keys_are_paged(barrier: Barrier) -> None:
    await fill(barrier, ["a/1", "a/2", "a/3", "b"])
    here = view(barrier)
    assert await here.keys("a/", limit=2) == ["a/1", "a/2"]
    assert await here.keys("a/", after="a/2") == ["a/3"]


async def test_a_folder_costs_one_step_however_much_it_holds(
    barrier: Barrier, storage: MemoryStorage
) -> None:
    await fill(barrier, [f"big/{number:05}" for number in range(20_000)] + ["a", "z"])
    asked: list[int] = []
    inner = storage.keys

    def counted(prefix: str, after: str, limit: int) -> list[str]:
        asked.append(limit)
        return inner(prefix, after, limit)

    storage.keys = counted  # type: ignore[method-assign]  # watches the real one
    assert await view(barrier).list() == ["a", "big/", "z"]
    assert sum(asked) <= 32


@settings(max_examples=100, deadline=None)
@given(
    names=st.lists(keys, max_size=60), after=keys | st.just(""), limit=st.integers(0, 5), many=st.booleans()
)
def test_a_listing_is_what_the_keys_say(names: list[str], after: str, limit: int, many: bool) -> None:
    """However folders nest and whatever characters names have, also with folders longer than a step."""
    stored = {*names, *(f"{name}/{number}" for name in names[:2] for number in range(40 * many))}
    children = {name[: name.find("/") + 1] or name for name in stored}
    expected = sorted((child for child in children if not after or child > after), key=str.encode)

    async def check() -> None:
        barrier = Barrier(MemoryStorage(), FakeClock())
        await barrier.initialize(ROOT_KEY)
        await barrier.unseal(ROOT_KEY)
        tx: BarrierTransaction = barrier.begin()
        for name in stored:
            View(tx, "p/").put_bytes(name, b"")
        assert await View(tx, "p/").list(after=after, limit=limit) == expected[: limit or None]

    asyncio.run(check())
