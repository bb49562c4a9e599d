"""What every storage backend must do. A backend's test subclasses this and builds one.

The `storage` fixture gives an empty store.
"""

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import strategies as st

from strongroom.storage.contract import Conflict, Storage

# Keys that sort differently under other collations: case, digits, separators, beyond the BMP.
AWKWARD = [
    *("A", "a", "a!", "a/", "a/b", "a/b/c", "a0", "ab", "z"),
    *("e\u0301", "\u00e9", "\ud7ff", "\ue000", "\uffff", "\U0001f600", "\U0010ffff"),
]

segments = st.text(st.characters(exclude_categories=["Cs"]), max_size=3) | st.sampled_from(
    ["a", "b", "/", "a/"]
)
prefixes = st.lists(segments, max_size=4).map("".join)
keys = prefixes.filter(bool)


async def write(storage: Storage, entries: dict[str, bytes | None]) -> None:
    """Commit `entries`; None deletes."""
    tx = storage.begin()
    for key, value in entries.items():
        if value is None:
            tx.delete(key)
        else:
            tx.put(key, value)
    await tx.commit()


async def put_keys(storage: Storage, names: Iterable[str]) -> None:
    """Commit an entry for each name."""
    await write(storage, dict.fromkeys(names, b"value"))


class StorageSuite:
    """Subclass with a `storage` fixture."""

    async def test_what_was_committed_is_read(self, storage: Storage) -> None:
        await write(storage, {"a": b"1", "b": b"", "c": b"3"})
        tx = storage.begin()
        assert [await tx.get(key) for key in "abcd"] == [b"1", b"", b"3", None]

    async def test_an_overwrite_replaces_and_a_deletion_removes(self, storage: Storage) -> None:
        await write(storage, {"a": b"1", "b": b"1"})
        await write(storage, {"a": b"2", "b": None, "never there": None})
        tx = storage.begin()
        assert (await tx.get("a"), await tx.get("b"), await tx.scan("")) == (b"2", None, ["a"])

    async def test_nothing_shows_before_commit(self, storage: Storage) -> None:
        writer = storage.begin()
        writer.put("a", b"1")
        reader = storage.begin()
        assert await reader.get("a") is None
        assert await reader.scan("") == []

    async def test_own_writes_are_read_first(self, storage: Storage) -> None:
        await write(storage, {"a": b"old", "b": b"old"})
        tx = storage.begin()
        assert await tx.get("a") == b"old"
        tx.put("a", b"new")
        tx.delete("b")
        assert (await tx.get("a"), await tx.get("b")) == (b"new", None)

    async def test_reads_repeat(self, storage: Storage) -> None:
        await write(storage, {"a": b"1"})
        tx = storage.begin()
        assert await tx.get("a") == b"1"
        assert await tx.scan("") == ["a"]
        await write(storage, {"a": b"2", "b": b"2"})
        assert await tx.get("a") == b"1"
        assert await tx.scan("") == ["a"]

    async def test_keys_are_ordered_by_their_utf8_bytes(self, storage: Storage) -> None:
        await put_keys(storage, reversed(AWKWARD))
        assert await storage.begin().scan("") == sorted(AWKWARD, key=str.encode)

    @pytest.mark.parametrize("prefix", ["", *AWKWARD])
    async def test_a_scan_gives_what_starts_with_the_prefix(self, storage: Storage, prefix: str) -> None:
        names = AWKWARD + [key + "/x" for key in AWKWARD] + [key + "\U0010ffff" for key in AWKWARD]
        await put_keys(storage, names)
        expected = sorted({key for key in names if key.startswith(prefix)}, key=str.encode)
        assert await storage.begin().scan(prefix) == expected

    async def test_a_scan_continues_after_a_key(self, storage: Storage) -> None:
        await put_keys(storage, ["p/a", "p/a!", "p/b", "q"])
        tx = storage.begin()
        assert await tx.scan("p/", limit=2) == ["p/a", "p/a!"]
        assert await tx.scan("p/", after="p/a!") == ["p/b"]
        assert await tx.scan("p/", after="a") == ["p/a", "p/a!", "p/b"]
        assert await tx.scan("p/", after="q") == []
        assert await tx.scan("p/", limit=0) == []

    async def test_a_scan_sees_own_writes(self, storage: Storage) -> None:
        await put_keys(storage, ["a", "b", "c", "d"])
        tx = storage.begin()
        tx.delete("b")
        tx.put("bb", b"")
        tx.put("c", b"again")
        assert await tx.scan("", limit=3) == ["a", "bb", "c"]
        assert await tx.scan("", after="bb") == ["c", "d"]

    async def test_a_changed_read_conflicts(self, storage: Storage) -> None:
        await write(storage, {"a": b"1"})
        tx = storage.begin()
        await tx.get("a")
        tx.put("b", b"")
        await write(storage, {"a": b"2"})
        with pytest.raises(Conflict):
            await tx.commit()
        assert await storage.begin().get("b") is None

    async def test_a_read_only_transaction_conflicts_too(self, storage: Storage) -> None:
        tx = storage.begin()
        assert await tx.get("a") is None
        await write(storage, {"a": b"2"})
        with pytest.raises(Conflict):
            await tx.commit()

    @pytest.mark.parametrize("change", [{"p/new": b""}, {"p/b": None}])
    async def test_a_changed_range_conflicts(self, storage: Storage, change: dict[str, bytes | None]) -> None:
        await put_keys(storage, ["p/a", "p/b"])
        tx = storage.begin()
        await tx.scan("p/")
        tx.put("out", b"")
        await write(storage, change)
        with pytest.raises(Conflict):
            await tx.commit()

    async def test_changes_elsewhere_do_not_conflict(self, storage: Storage) -> None:
        await put_keys(storage, ["p/a", "p/b", "p/c", "q"])
        tx = storage.begin()
        await tx.get("p/a")
        await tx.get("absent")
        await tx.scan("p/", limit=2)
        tx.put("written", b"")
        await write(storage, {"q": b"new", "p/z": b"beyond the limit", "p/b": b"a value is not a key"})
        await tx.commit()
        assert await storage.begin().get("written") == b""

    async def test_blind_writes_do_not_conflict(self, storage: Storage) -> None:
        first, second = storage.begin(), storage.begin()
        first.put("a", b"1")
        second.put("a", b"2")
        await first.commit()
        await second.commit()
        assert await storage.begin().get("a") == b"2"

    async def test_of_concurrent_read_modify_writes_none_is_lost(self, storage: Storage) -> None:
        async def increment() -> None:
            while True:
                tx = storage.begin()
                count = int(await tx.get("count") or b"0")
                tx.put("count", str(count + 1).encode())
                try:
                    return await tx.commit()
                except Conflict:
                    continue

        await asyncio.gather(*(increment() for _ in range(60)))
        assert await storage.begin().get("count") == b"60"

    async def test_one_of_many_takes_the_only_use(self, storage: Storage) -> None:
        await write(storage, {"token": b"1"})

        async def use() -> bool:
            tx = storage.begin()
            if await tx.get("token") is None:
                await tx.commit()
                return False
            tx.delete("token")
            try:
                await tx.commit()
            except Conflict:
                return False
            return True

        assert sum(await asyncio.gather(*(use() for _ in range(50)))) == 1

    async def test_big_values_and_many_keys_in_one_transaction(self, storage: Storage) -> None:
        big = bytes(range(256)) * 4096 * 4
        await write(
            storage, {"big": big, **{f"n/{number:05}": str(number).encode() for number in range(1500)}}
        )
        tx = storage.begin()
        assert await tx.get("big") == big
        assert len(await tx.scan("n/", limit=2000)) == 1500
        await write(storage, {f"n/{number:05}": None for number in range(1499)})
        assert await storage.begin().scan("") == ["big", "n/01499"]

    async def test_a_cancelled_waiter_does_not_cancel_the_others(self, storage: Storage) -> None:
        tasks = [asyncio.create_task(put_keys(storage, [f"k{number}"])) for number in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert {"k1", "k2"} <= set(await storage.begin().scan("k"))
