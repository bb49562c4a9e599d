"""Versions of a secret: deleted, brought back, destroyed, dropped, expired."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.engines.kv import KV2
from strongroom.engines.kv.record import INSIDE_BYTES
from strongroom.errors import InvalidRequest, NotFound
from strongroom.framework import Operation
from tests.suites.engine import Bench, bench

LONG = {"text": "z" * INSIDE_BYTES}


async def stored_keys(kv: Bench, prefix: str = "") -> list[str]:
    return await kv.barrier.begin().scan(f"mount/u-1/{prefix}", "", 1000)


async def stored(kv: Bench, key: str) -> bytes:
    return await kv.barrier.begin().get(f"mount/u-1/{key}") or b""


async def test_every_version_stays_readable(kv: Bench) -> None:
    for n in range(1, 4):
        assert (await kv.write("data/app", {"data": {"n": n}}))["version"] == n
    assert (await kv.read("data/app"))["data"] == {"n": 3}
    assert (await kv.read("data/app", version="0"))["data"] == {"n": 3}
    for n in range(1, 4):
        assert (await kv.read("data/app", version=str(n)))["data"] == {"n": n}
    with pytest.raises(NotFound):
        await kv.read("data/app", version="4")


async def test_a_deleted_version_says_so_and_comes_back(kv: Bench) -> None:
    await kv.write("data/app", {"data": {"a": 1}})
    kv.clock.advance(5)
    await kv.delete("data/app")
    with pytest.raises(NotFound) as caught:
        await kv.read("data/app")
    assert caught.value.data is not None
    assert caught.value.data["data"] is None
    facts: Any = caught.value.data["metadata"]
    assert facts["deletion_time"] == "2023-11-14T22:13:25Z"
    kv.clock.advance(5)
    await kv.delete("data/app")
    assert (await kv.read("metadata/app"))["versions"]["1"]["deletion_time"] == "2023-11-14T22:13:25Z"
    await kv.write("undelete/app", {"versions": [1]})
    assert (await kv.read("data/app"))["data"] == {"a": 1}


@pytest.mark.parametrize("versions", [[1, 2], ["1", 2], "1,2"])
async def test_versions_are_deleted_by_number(kv: Bench, versions: object) -> None:
    for _ in range(3):
        await kv.write("data/app", {"data": {"a": 1}})
    await kv.write("delete/app", {"versions": versions})
    for number in ("1", "2"):
        with pytest.raises(NotFound):
            await kv.read("data/app", version=number)
    assert (await kv.read("data/app"))["metadata"]["version"] == 3


@pytest.mark.parametrize("family", ["delete", "undelete", "destroy"])
async def test_versions_must_be_named(kv: Bench, family: str) -> None:
    with pytest.raises(InvalidRequest, match="No version number"):
        await kv.write(f"{family}/app", {})
    with pytest.raises(InvalidRequest, match="version numbers"):
        await kv.write(f"{family}/app", {"versions": ["x"]})
    await kv.write(f"{family}/none", {"versions": [1]})
    await kv.delete("data/none")


async def test_destroyed_data_is_gone_from_storage_and_stays_gone(kv: Bench) -> None:
    for n in range(3):
        await kv.write("data/app", {"data": {"n": n, **LONG}})
    assert await stored_keys(kv, "data/") == ["mount/u-1/data/app/1", "mount/u-1/data/app/2"]
    await kv.write("destroy/app", {"versions": [1, 3, 99]})
    assert await stored_keys(kv, "data/") == ["mount/u-1/data/app/2"]
    assert b'"n"' not in await stored(kv, "meta/app")
    await kv.write("undelete/app", {"versions": [1, 3]})
    for number in ("1", "3"):
        with pytest.raises(NotFound) as caught:
            await kv.read("data/app", version=number)
        facts: Any = (caught.value.data or {})["metadata"]
        assert facts["destroyed"] is True
    assert (await kv.write("data/app", {"data": {"n": 4}}))["version"] == 4
    assert await stored_keys(kv, "data/") == ["mount/u-1/data/app/2"]


async def test_short_texts_lie_in_the_secrets_own_entry(kv: Bench) -> None:
    for n in range(4):
        await kv.write("data/app", {"data": {"n": n}})
    assert await stored_keys(kv, "data/") == []
    await kv.write("destroy/app", {"versions": [2, 2, 4]})
    kept = await stored(kv, "meta/app")
    assert [b'{"n":%d}' % n in kept for n in range(4)] == [True, False, True, False]
    assert (await kv.read("data/app", version="3"))["data"] == {"n": 2}
    with pytest.raises(NotFound):
        await kv.read("data/app", version="2")
    await kv.delete("metadata/app")
    assert await stored_keys(kv, "") == []


async def test_texts_lie_inside_as_long_as_they_have_room(kv: Bench) -> None:
    texts = [
        {"n": "x" * (INSIDE_BYTES // 2 - 20)},
        LONG,
        {"n": 3},
        {"n": "y" * (INSIDE_BYTES // 2)},
        {"n": 5},
    ]
    for text in texts:
        await kv.write("data/app", {"data": text})
    assert await stored_keys(kv, "data/") == ["mount/u-1/data/app/2", "mount/u-1/data/app/4"]
    for number, text in enumerate(texts, 1):
        assert (await kv.read("data/app", version=str(number)))["data"] == text
    await kv.write("metadata/app", {"max_versions": 3})
    await kv.write("data/app", {"data": {"n": 6}})
    assert await stored_keys(kv, "data/") == ["mount/u-1/data/app/4"]
    assert b"xxx" not in await stored(kv, "meta/app")


async def test_texts_that_an_earlier_release_kept_apart_are_read_and_erased(kv: Bench) -> None:
    for n in range(3):
        await kv.write("data/app", {"data": {"n": n}})
    tx = kv.barrier.begin()
    *before, texts = msgspec.msgpack.decode(await stored(kv, "meta/app"))
    for number, text in texts.items():
        tx.put(f"mount/u-1/data/app/{number}", text)
    tx.put("mount/u-1/meta/app", msgspec.msgpack.encode(before))
    await tx.commit()
    assert (await kv.read("data/app", version="1"))["data"] == {"n": 0}
    await kv.write("destroy/app", {"versions": [1]})
    await kv.write("data/app", {"data": {"n": 3}})
    assert await stored_keys(kv, "data/") == ["mount/u-1/data/app/2"]
    await kv.write("metadata/app", {"max_versions": 1})
    await kv.write("data/app", {"data": {"n": 4}})
    assert await stored_keys(kv, "data/") == []


async def test_old_versions_are_dropped_over_the_limit(kv: Bench) -> None:
    for _ in range(12):
        await kv.write("data/app", {"data": LONG})
    facts = await kv.read("metadata/app")
    assert list(facts["versions"]) == [str(n) for n in range(3, 13)]
    assert facts["oldest_version"] == 3
    assert len(await stored_keys(kv, "data/")) == 9
    await kv.write("metadata/app", {"max_versions": 2})
    await kv.write("data/app", {"data": {}})
    assert list((await kv.read("metadata/app"))["versions"]) == ["12", "13"]
    assert await stored_keys(kv, "data/") == ["mount/u-1/data/app/12"]


async def test_the_mount_limits_versions_too(kv: Bench) -> None:
    await kv.write("config", {"max_versions": 1})
    for _ in range(3):
        await kv.write("data/app", {"data": {}})
    assert list((await kv.read("metadata/app"))["versions"]) == ["3"]
    assert await stored_keys(kv, "data/") == []


@pytest.mark.parametrize(
    ("mount", "secret", "lives"),
    [
        ("10s", None, 10),
        (None, "20s", 20),
        ("10s", "20s", 10),
        ("20s", "10s", 10),
        ("-1s", "10s", 0),
        (None, "-1s", 0),
    ],
)
async def test_versions_expire_after_the_shorter_time(
    kv: Bench, mount: str | None, secret: str | None, lives: int
) -> None:
    if mount:
        await kv.write("config", {"delete_version_after": mount})
    if secret:
        await kv.write("metadata/app", {"delete_version_after": secret})
    await kv.write("data/app", {"data": {"a": 1}})
    kv.clock.advance(lives - 1 if lives else 10**6)
    assert (await kv.read("data/app"))["data"] == {"a": 1}
    if lives:
        kv.clock.advance(1)
        with pytest.raises(NotFound):
            await kv.read("data/app")


segment = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\", exclude_categories=["Cc", "Cs"]),
    min_size=1,
    max_size=8,
).filter(lambda text: text not in (".", ".."))


actions = st.lists(
    st.tuples(st.sampled_from(["write", "delete", "undelete", "destroy"]), st.integers(1, 6)), max_size=14
)


@given(path=st.lists(segment, min_size=1, max_size=3).map("/".join), steps=actions)
async def test_versions_agree_with_a_plain_model(path: str, steps: list[tuple[str, int]]) -> None:
    kv = await bench(KV2())
    model: dict[int, str] = {}
    for step, number in steps:
        if step == "write":
            model[len(model) + 1] = "live"
            await kv.call(Operation.WRITE, f"data/{_quoted(path)}", {"data": {"n": len(model)}})
        else:
            await kv.call(Operation.WRITE, f"{step}/{_quoted(path)}", {"versions": [number]})
            if model.get(number, "destroyed") != "destroyed":
                model[number] = {"delete": "deleted", "undelete": "live", "destroy": "destroyed"}[step]
    for number, state in model.items():
        if number <= len(model) - 10:
            continue
        try:
            read = await kv.read(f"data/{_quoted(path)}", version=str(number))
        except NotFound as gone:
            assert state != "live"
            facts: Any = (gone.data or {})["metadata"]
            assert facts["destroyed"] is (state == "destroyed")
        else:
            assert state == "live"
            assert read["data"] == {"n": number}


def _quoted(path: str) -> str:
    """A path as the bench takes it: percent signs would be decoded."""
    return path.replace("%", "p")
