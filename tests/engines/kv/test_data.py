"""The data of the versioned key-value engine: write, read, patch."""

import asyncio
from typing import Any

import msgspec
import pytest

from strongroom.errors import CasMismatch, InvalidRequest, NotFound, UnsupportedOperation
from strongroom.framework import Operation
from tests.suites.engine import Bench


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


async def test_version_and_reason_are_told_to_the_audit_log(kv: Bench) -> None:
    body = {"data": {"a": 1}, "options": {"reason": "drill"}}
    assert (await kv.call(Operation.WRITE, "data/app", body)).facts == {"version": 1, "reason": "drill"}
    assert (await kv.call(Operation.WRITE, "data/app", {"data": {}})).facts == {"version": 2}
    assert (await kv.call(Operation.READ, "data/app", query={"version": "1"})).facts == {"version": 1}


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
    await kv.write("metadata/bare", {"max_versions": 1})
    with pytest.raises(NotFound):
        await kv.call(Operation.PATCH, "data/bare", {"data": {}})


async def test_patch_of_a_deleted_version_is_not_found_with_its_facts(kv: Bench) -> None:
    await kv.write("data/app", {"data": {}})
    await kv.delete("data/app")
    with pytest.raises(NotFound) as caught:
        await kv.call(Operation.PATCH, "data/app", {"data": {}})
    assert caught.value.data is not None
    assert caught.value.data["version"] == 1


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
