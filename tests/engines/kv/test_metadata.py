"""A secret's settings, the mount's, and the listings."""

from typing import Any

import pytest

from strongroom.errors import CasMismatch, InvalidRequest, NotFound
from strongroom.framework import Operation
from tests.suites.engine import Bench


async def stored_keys(kv: Bench, prefix: str = "") -> list[str]:
    return await kv.barrier.begin().scan(f"mount/u-1/{prefix}", "", 1000)


async def test_an_unreadable_lifetime_names_the_field(kv: Bench) -> None:
    with pytest.raises(InvalidRequest, match="delete_version_after"):
        await kv.write("config", {"delete_version_after": "zz"})
    with pytest.raises(InvalidRequest, match="delete_version_after"):
        await kv.write("config", {"delete_version_after": "-zz"})


async def test_config_keeps_what_a_write_does_not_name(kv: Bench) -> None:
    empty = {
        "cas_required": False,
        "delete_version_after": "0s",
        "max_versions": 0,
        "metadata_cas_required": False,
    }
    assert await kv.read("config") == empty
    await kv.write("config", {"max_versions": 3, "delete_version_after": "1h1m1s"})
    await kv.write("config", {"cas_required": True})
    assert await kv.read("config") == {
        **empty,
        "max_versions": 3,
        "cas_required": True,
        "delete_version_after": "1h1m1s",
    }
    await kv.write("config", {"delete_version_after": -5, "max_versions": None})
    config = await kv.read("config")
    assert (config["delete_version_after"], config["max_versions"]) == ("-1s", 0)
    await kv.write("config", {"delete_version_after": 90})
    assert (await kv.read("config"))["delete_version_after"] == "1m30s"


async def test_metadata_is_set_patched_and_removed(kv: Bench) -> None:
    await kv.write("metadata/app", {"custom_metadata": {"a": "1", "n": 5}, "max_versions": 4})
    facts = await kv.read("metadata/app")
    assert facts["custom_metadata"] == {"a": "1", "n": "5"}
    assert (facts["current_version"], facts["versions"], facts["max_versions"]) == (0, {}, 4)
    await kv.call(
        Operation.PATCH, "metadata/app", {"custom_metadata": {"a": None, "b": "2"}, "max_versions": None}
    )
    facts = await kv.read("metadata/app")
    assert (facts["custom_metadata"], facts["max_versions"]) == ({"n": "5", "b": "2"}, 0)
    await kv.call(Operation.PATCH, "metadata/app", {"cas_required": True})
    assert (await kv.read("metadata/app"))["custom_metadata"] == {"n": "5", "b": "2"}
    await kv.call(Operation.PATCH, "metadata/app", {"custom_metadata": None})
    assert (await kv.read("metadata/app"))["custom_metadata"] is None
    with pytest.raises(NotFound):
        await kv.read("data/app")


async def test_patch_of_missing_metadata_is_not_found(kv: Bench) -> None:
    for operation in (Operation.PATCH, Operation.READ):
        with pytest.raises(NotFound):
            await kv.call(operation, "metadata/none", {} if operation is Operation.PATCH else None)
    await kv.delete("metadata/none")


@pytest.mark.parametrize(
    "custom",
    [
        {str(n): "x" for n in range(65)},
        {"k" * 129: "x"},
        {"": "x"},
        {"k": ""},
        {"k": "x" * 513},
        {"k": "é" * 257},
        {"k": "a\nb"},
        {"k": {}},
        {"k": None},
    ],
)
async def test_custom_metadata_has_limits(kv: Bench, custom: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match="custom_metadata"):
        await kv.write("metadata/app", {"custom_metadata": custom})


async def test_metadata_has_its_own_check_and_set(kv: Bench) -> None:
    await kv.write("metadata/app", {"metadata_cas": 0, "metadata_cas_required": True})
    with pytest.raises(InvalidRequest, match="required"):
        await kv.write("metadata/app", {})
    with pytest.raises(CasMismatch):
        await kv.write("metadata/app", {"metadata_cas": 0})
    await kv.write("metadata/app", {"metadata_cas": 1, "metadata_cas_required": False})


async def test_deleting_metadata_erases_everything(kv: Bench) -> None:
    for _ in range(3):
        await kv.write("data/app", {"data": {}})
    await kv.delete("metadata/app")
    assert await stored_keys(kv) == []
    assert (await kv.write("data/app", {"data": {}}))["version"] == 1


async def test_a_folder_lists_secrets_and_folders(kv: Bench) -> None:
    for path in ("b", "a/x", "a/y/z", "a", "c"):
        await kv.write(f"data/{path}", {"data": {}})
    assert await kv.list("metadata/") == ["a", "a/", "b", "c"]
    assert await kv.list("metadata") == ["a", "a/", "b", "c"]
    assert await kv.list("metadata/a") == ["x", "y/"]
    assert await kv.list("metadata/a/") == ["x", "y/"]
    assert await kv.list("metadata/", after="a/", limit="1") == ["b"]
    assert await kv.list("metadata/", limit="-1") == ["a", "a/", "b", "c"]
    with pytest.raises(NotFound):
        await kv.list("metadata/none")


async def test_a_detailed_listing_holds_each_secrets_facts(kv: Bench) -> None:
    await kv.write("data/a", {"data": {}})
    await kv.write("data/f/b", {"data": {}})
    data = (await kv.call(Operation.LIST, "detailed-metadata/")).data
    assert data["keys"] == ["a", "f/"]
    assert data["key_info"]["a"]["current_version"] == 1
    assert data["key_info"]["f/"] == {}
    with pytest.raises(NotFound):
        await kv.call(Operation.LIST, "detailed-metadata/none")


async def test_a_scan_walks_everything_below(kv: Bench) -> None:
    for path in ("b", "a/x", "a/y/z", "c"):
        await kv.write(f"data/{path}", {"data": {}})

    async def scan(path: str, **query: str) -> Any:
        return (await kv.call(Operation.SCAN, path, query=query)).data

    assert await scan("metadata/") == {"keys": ["a/x", "a/y/z", "b", "c"]}
    assert await scan("metadata/a") == {"keys": ["x", "y/z"]}
    assert await scan("metadata/", after="a/x", limit="2") == {"keys": ["a/y/z", "b"]}
    assert await scan("metadata/none") == {}
