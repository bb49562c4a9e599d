"""The versioned key-value engine, through its table."""

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.engines.kv import KV2
from strongroom.errors import CasMismatch, InvalidRequest, NotFound, UnsupportedOperation
from strongroom.framework import Operation
from tests.suites.engine import Bench, bench


@pytest.fixture
async def kv() -> Bench:
    return await bench(KV2())


async def stored_keys(kv: Bench, prefix: str = "") -> list[str]:
    return await kv.barrier.begin().scan(f"mount/u-1/{prefix}", "", 1000)


async def test_a_written_secret_reads_back_with_who_and_why(kv: Bench) -> None:
    await kv.write("data/app", {"data": {"a": 1}, "options": {"reason": "first deploy"}})
    read = await kv.read("data/app")
    assert read["data"] == {"a": 1}
    facts = read["metadata"]
    assert facts["version"] == 1
    assert facts["created_by"] == {"name": "alice", "entity_id": "e-1"}
    assert facts["reason"] == "first deploy"
    assert facts["deletion_time"] == ""
    assert facts["destroyed"] is False
    assert facts["custom_metadata"] is None
    assert facts["created_time"] == "2023-11-14T22:13:20Z"


async def test_the_reason_may_come_in_a_header(kv: Bench) -> None:
    await kv.write("data/app", {"data": {}}, headers={"x-strongroom-reason": "rotation"})
    assert (await kv.read("metadata/app"))["versions"]["1"]["reason"] == "rotation"


@pytest.mark.parametrize("reason", ["x" * 513, "a\nb", 7])
async def test_a_reason_that_is_no_short_text_is_refused(kv: Bench, reason: object) -> None:
    with pytest.raises(InvalidRequest, match="reason"):
        await kv.write("data/app", {"data": {}, "options": {"reason": reason}})


@pytest.mark.parametrize(
    "text",
    [
        b'{"n":12345678901234567890123456789}',
        b'{"f":1.10,"e":1E+2,"z":-0}',
        b'{ "spaced" :  [1,\n2] }',
        b'{"u":"\\u00e9\xc3\xa9","slash":"\\/"}',
        b'{"a":1,"a":2}',
        b"{}",
    ],
)
async def test_values_come_back_byte_for_byte(kv: Bench, text: bytes) -> None:
    await kv.write("data/app", b'{"data":' + text + b',"options":{"cas":0}}')
    for _ in range(2):
        response = await kv.call(Operation.READ, "data/app", query={"version": "1"})
        assert text in msgspec.json.encode(response.data)
        await kv.write("data/app", {"data": {"later": True}})


async def test_every_version_stays_readable(kv: Bench) -> None:
    for n in range(1, 4):
        assert (await kv.write("data/app", {"data": {"n": n}}))["version"] == n
    assert (await kv.read("data/app"))["data"] == {"n": 3}
    assert (await kv.read("data/app", version="0"))["data"] == {"n": 3}
    for n in range(1, 4):
        assert (await kv.read("data/app", version=str(n)))["data"] == {"n": n}
    with pytest.raises(NotFound):
        await kv.read("data/app", version="4")


async def test_a_write_is_create_then_update(kv: Bench) -> None:
    assert await kv.exists("data/app") is False
    await kv.write("data/app", {"data": {}})
    assert await kv.exists("data/app") is True
    assert await kv.exists("metadata/app") is True


@pytest.mark.parametrize(("cas", "version"), [(0, 1), ("0", 1)])
async def test_check_and_set_zero_creates(kv: Bench, cas: object, version: int) -> None:
    assert (await kv.write("data/app", {"data": {}, "options": {"cas": cas}}))["version"] == version
    with pytest.raises(CasMismatch, match="did not match the current version"):
        await kv.write("data/app", {"data": {}, "options": {"cas": cas}})


@pytest.mark.parametrize("cas", ["x", True, 1.5, [], "-1"])
async def test_a_check_and_set_that_is_no_number_is_refused(kv: Bench, cas: object) -> None:
    with pytest.raises(InvalidRequest, match="error parsing check-and-set parameter"):
        await kv.write("data/app", {"data": {}, "options": {"cas": cas}})


async def test_check_and_set_can_be_required_by_mount_and_secret(kv: Bench) -> None:
    await kv.write("metadata/app", {"cas_required": True})
    with pytest.raises(InvalidRequest, match="parameter required"):
        await kv.write("data/app", {"data": {}})
    await kv.write("data/app", {"data": {}, "options": {"cas": 0}})
    await kv.write("config", {"cas_required": True})
    with pytest.raises(InvalidRequest, match="parameter required"):
        await kv.write("data/other", {"data": {}})
    with pytest.raises(InvalidRequest, match="parameter required"):
        await kv.call(Operation.PATCH, "data/app", {"data": {}})


async def test_of_parallel_check_and_set_writes_exactly_one_wins(kv: Bench) -> None:
    async def attempt(n: int) -> bool:
        try:
            await kv.write("data/app", {"data": {"n": n}, "options": {"cas": 0}})
        except CasMismatch:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt(n) for n in range(50)))) == 1


@pytest.mark.parametrize("body", [{}, {"options": {"cas": 1}}, None])
async def test_a_write_without_data_is_refused(kv: Bench, body: Any) -> None:
    with pytest.raises(InvalidRequest, match="no data provided"):
        await kv.write("data/app", body)


@pytest.mark.parametrize("value", ["canary-7f3a", [1], 5])
async def test_data_that_is_no_object_is_refused_without_being_quoted(kv: Bench, value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await kv.write("data/app", {"data": value})
    assert "canary" not in str(caught.value)


async def test_options_that_are_no_object_are_refused(kv: Bench) -> None:
    with pytest.raises(InvalidRequest, match="options"):
        await kv.write("data/app", {"data": {}, "options": "canary"})


@pytest.mark.parametrize("path", ["data/app/", "data/", "data", "metadata/app/", "metadata"])
async def test_a_folder_cannot_be_written(kv: Bench, path: str) -> None:
    with pytest.raises(InvalidRequest, match="ending in '/'"):
        await kv.write(path, {"data": {}})


async def test_patch_keeps_what_it_does_not_name_byte_for_byte(kv: Bench) -> None:
    await kv.write("data/app", b'{"data":{"keep":1.10,"big":9007199254740993,"o":{"a":1,"b":2},"gone":1}}')
    await kv.call(Operation.PATCH, "data/app", {"data": {"o": {"b": None, "c": 3}, "gone": None, "new": []}})
    response = await kv.call(Operation.READ, "data/app")
    assert b'{"keep":1.10,"big":9007199254740993,"o":{"a":1,"c":3},"new":[]}' in msgspec.json.encode(
        response.data
    )


async def test_patch_follows_rfc_7396(kv: Bench) -> None:
    cases = [  # RFC 7396, appendix A, as members of an object
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": 1}, None, None),
    ]
    for n, (target, patch, expected) in enumerate(cases):
        await kv.write(f"data/{n}", {"data": target})
        await kv.call(Operation.PATCH, f"data/{n}", {"data": patch})
        assert (await kv.read(f"data/{n}"))["data"] == expected


async def test_patch_of_nothing_is_not_found(kv: Bench) -> None:
    with pytest.raises(NotFound) as caught:
        await kv.call(Operation.PATCH, "data/none", {"data": {}})
    assert caught.value.data is None
    await kv.write("metadata/bare", {})
    with pytest.raises(NotFound):
        await kv.call(Operation.PATCH, "data/bare", {"data": {}})


async def test_patch_of_a_deleted_version_is_not_found_with_its_facts(kv: Bench) -> None:
    await kv.write("data/app", {"data": {}})
    await kv.delete("data/app")
    with pytest.raises(NotFound) as caught:
        await kv.call(Operation.PATCH, "data/app", {"data": {}})
    assert caught.value.data is not None
    assert caught.value.data["version"] == 1


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
        await kv.write("data/app", {"data": {"n": n}})
    assert await stored_keys(kv, "data/") == ["mount/u-1/data/app/1", "mount/u-1/data/app/2"]
    await kv.write("destroy/app", {"versions": [1, 3, 99]})
    assert await stored_keys(kv, "data/") == ["mount/u-1/data/app/2"]
    raw = await kv.barrier.begin().get("mount/u-1/meta/app")
    assert raw is not None
    assert b'"n"' not in raw
    await kv.write("undelete/app", {"versions": [1, 3]})
    for number in ("1", "3"):
        with pytest.raises(NotFound) as caught:
            await kv.read("data/app", version=number)
        facts: Any = (caught.value.data or {})["metadata"]
        assert facts["destroyed"] is True
    assert (await kv.write("data/app", {"data": {"n": 4}}))["version"] == 4
    assert await stored_keys(kv, "data/") == ["mount/u-1/data/app/2"]


async def test_old_versions_are_dropped_over_the_limit(kv: Bench) -> None:
    for _ in range(12):
        await kv.write("data/app", {"data": {}})
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


async def test_subkeys_show_structure_and_no_value(kv: Bench) -> None:
    await kv.write("data/app", {"data": {"a": {"b": 1, "c": {"x": ["canary"]}}, "d": "canary", "e": {}}})
    read = await kv.read("subkeys/app")
    assert read["subkeys"] == {"a": {"b": None, "c": {"x": None}}, "d": None, "e": None}
    assert read["metadata"]["version"] == 1
    assert (await kv.read("subkeys/app", depth="1"))["subkeys"] == {"a": None, "d": None, "e": None}
    assert (await kv.read("subkeys/app", depth="2"))["subkeys"]["a"] == {"b": None, "c": None}
    await kv.delete("data/app")
    with pytest.raises(NotFound) as caught:
        await kv.read("subkeys/app")
    assert caught.value.data is not None
    assert caught.value.data["subkeys"] is None


@pytest.mark.parametrize(
    ("operation", "command"),
    [
        (Operation.READ, "get"),
        (Operation.WRITE, "put"),
        (Operation.LIST, "list"),
        (Operation.DELETE, "delete"),
    ],
)
async def test_a_path_without_its_family_gets_advice(kv: Bench, operation: Operation, command: str) -> None:
    with pytest.raises(NotFound) as caught:
        await kv.call(operation, "app/config", {} if operation is Operation.WRITE else None)
    assert f"'vault kv {command}'" in caught.value.warnings[0]


@pytest.mark.parametrize(
    ("operation", "path"),
    [(Operation.LIST, "data/app"), (Operation.DELETE, "config"), (Operation.READ, "destroy/app")],
)
async def test_a_family_refuses_what_it_does_not_answer(kv: Bench, operation: Operation, path: str) -> None:
    with pytest.raises(UnsupportedOperation):
        await kv.call(operation, path)


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
