"""The plain key-value engine, through its table."""

import msgspec
import pytest

from strongroom.engines.kv import KV, KV1, KV2
from strongroom.errors import InvalidRequest, NotFound, UnsupportedOperation
from strongroom.framework import Operation
from tests.suites.engine import Bench, bench


@pytest.fixture
async def kv() -> Bench:
    return await bench(KV1(), "kv/")


@pytest.mark.parametrize("text", [b'{"n":12345678901234567890123,"f":1.10}', b'{"a":{ "b" : [1,2] }}'])
async def test_members_come_back_byte_for_byte(kv: Bench, text: bytes) -> None:
    await kv.write("a/b", text)
    assert msgspec.json.encode((await kv.call(Operation.READ, "a/b")).data) == text


@pytest.mark.parametrize("body", [None, b"", b"{}"])
async def test_nothing_cannot_be_stored(kv: Bench, body: bytes | None) -> None:
    with pytest.raises(InvalidRequest, match="missing data fields"):
        await kv.write("a", body)


@pytest.mark.parametrize("path", ["", "a/"])
async def test_a_folder_cannot_be_written(kv: Bench, path: str) -> None:
    with pytest.raises(InvalidRequest, match="ending in '/'"):
        await kv.write(path, {"a": 1})


@pytest.mark.parametrize(
    ("body", "ttl"),
    [({"a": 1}, 2764800), ({"ttl": "30s"}, 30), ({"lease": 60}, 60), ({"ttl": "soon"}, 2764800)],
)
async def test_the_hint_to_read_again_comes_from_the_value(
    kv: Bench, body: dict[str, object], ttl: int
) -> None:
    await kv.write("a", body)
    response = await kv.call(Operation.READ, "a")
    assert (response.ttl, response.lease) == (ttl, None)


async def test_a_write_replaces_and_a_delete_removes(kv: Bench) -> None:
    assert await kv.exists("a") is False
    await kv.write("a", {"x": 1})
    assert await kv.exists("a") is True
    await kv.write("a", {"y": 2})
    assert await kv.read("a") == {"y": 2}
    await kv.delete("a")
    await kv.delete("a")
    with pytest.raises(NotFound):
        await kv.read("a")


async def test_listing_and_scanning(kv: Bench) -> None:
    for path in ("b", "a/x", "a/y/z"):
        await kv.write(path, {"v": 1})
    assert await kv.list("") == ["a/", "b"]
    assert await kv.list("a") == ["x", "y/"]
    assert await kv.list("", limit="1", after="a/") == ["b"]
    assert (await kv.call(Operation.SCAN, "")).data == {"keys": ["a/x", "a/y/z", "b"]}
    assert (await kv.call(Operation.SCAN, "", query={"limit": "2"})).data == {"keys": ["a/x", "a/y/z"]}
    assert (await kv.call(Operation.SCAN, "none")).data == {}
    with pytest.raises(NotFound):
        await kv.list("none")


async def test_there_is_no_patch(kv: Bench) -> None:
    with pytest.raises(UnsupportedOperation):
        await kv.call(Operation.PATCH, "a", {"x": 1})


def test_the_mounts_option_chooses_the_version() -> None:
    assert KV.versions == {"1": KV1, "2": KV2}
    assert KV.default_options == {"version": "1"}
