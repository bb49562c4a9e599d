"""HTTP → Request: methods, lists, queries, headers, paths."""

import uuid

import pytest

from strongroom.api.inbound import Identifiers, request_id
from strongroom.framework import Operation
from tests.api.door import Desk, members


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/v1/a", Operation.READ),
        ("HEAD", "/v1/sys/health", Operation.READ),
        ("LIST", "/v1/a", Operation.LIST),
        ("LIST", "/v1/a/", Operation.LIST),
        ("GET", "/v1/a?list=true", Operation.LIST),
        ("GET", "/v1/a/?list=True", Operation.LIST),
        ("GET", "/v1/a?list=1", Operation.LIST),
        ("GET", "/v1/a?list=false", Operation.READ),
        ("SCAN", "/v1/a", Operation.SCAN),
        ("GET", "/v1/a?scan=true", Operation.SCAN),
        ("GET", "/v1/a?help=1", Operation.HELP),
        ("POST", "/v1/a", Operation.WRITE),
        ("PUT", "/v1/a", Operation.WRITE),
        ("POST", "/v1/a?list=true", Operation.WRITE),
        ("DELETE", "/v1/a", Operation.DELETE),
        ("DELETE", "/v1/a?list=true", Operation.DELETE),
    ],
)
async def test_a_method_and_its_query_are_one_operation(method: str, path: str, operation: Operation) -> None:
    assert (await Desk().request(path, method)).operation is operation


@pytest.mark.parametrize("kind", ["application/merge-patch+json", "application/json; charset=utf-8"])
async def test_a_patch_says_that_it_is_a_merge_patch(kind: str) -> None:
    request = await Desk().request("/v1/a", "PATCH", headers={"content-type": kind}, body=b"{}")
    assert request.operation is Operation.PATCH


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json-patch+json"}])
async def test_another_patch_format_is_refused(headers: dict[str, str]) -> None:
    desk = Desk()
    assert (await desk.ask("/v1/a", "PATCH", headers, b"{}")).status == 415
    assert not desk.door.seen


async def test_the_asking_parameter_is_taken_out_and_the_others_stay() -> None:
    request = await Desk().request("/v1/a?list=true&after=b%20c&limit=5&empty=")
    assert request.query == {"after": "b c", "limit": "5", "empty": ""}


async def test_a_write_takes_its_fields_from_the_body_alone() -> None:
    request = await Desk().request("/v1/a?token=stray", "POST", body=b'{"n":12345678901234567890}')
    assert request.fields == {"n": 12345678901234567890}


async def test_a_read_has_no_body() -> None:
    assert (await Desk().request("/v1/a", body=b'{"stray":1}')).body == b""


async def test_only_a_list_keeps_the_trailing_slash() -> None:
    assert (await Desk().request("/v1/a/b/")).path == "a/b"
    assert (await Desk().request("/v1/a/b/", "LIST")).path == "a/b/"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_nothing_is_written_to_a_folder(method: str) -> None:
    desk = Desk()
    kind = {"content-type": "application/merge-patch+json"}
    answer = await desk.ask("/v1/a/b/", method, kind, b"{}")
    assert (answer.status, members(answer)["errors"]) == (400, ["cannot write to a path ending in '/'"])
    assert not desk.door.seen


@pytest.mark.parametrize(
    "path",
    [
        "/v1/a//b", "/v1//a", "/v1/a/../b", "/v1/a/./b", "/v1/a/%2e%2e/b", "/v1/a%2fb", "/v1/a%5cb", "/v1/a\\b",
        "/v1/a%00b", "/v1/a%0ab", "/v1/a%ff", "/v1/a%c0%afb", "/v1/a%7fb", "/v1/" + "a" * 5000, "/v1/a?x=%ff",
        "/v1/a?" + "&".join(f"k{n}=1" for n in range(101)), "/v1/a?x=é",
    ],
)  # fmt: skip
async def test_what_is_not_canonical_is_refused_and_not_repaired(path: str) -> None:
    desk = Desk()
    assert (await desk.ask(path)).status == 400
    assert not desk.door.seen


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v2/a", "/V1/a", "/ui/", "/v1?list=true"])
async def test_outside_the_api_there_is_nothing(path: str) -> None:
    answer = await Desk().ask(path)
    assert (answer.status, answer.body) == (404, b'{"errors":[]}')


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "CONNECT", "FOO"])
async def test_another_method_is_not_supported(method: str) -> None:
    answer = await Desk().ask("/v1/a", method)
    assert answer.status == 405
    assert members(answer)["errors"]


async def test_double_encoding_is_decoded_once() -> None:
    assert (await Desk().request("/v1/a%252e")).path == "a%2e"


async def test_unicode_is_kept_as_it_is() -> None:
    composed, decomposed = "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"
    assert (await Desk().request(f"/v1/{composed}")).path == composed
    assert (await Desk().request(f"/v1/{decomposed}")).path == decomposed


def test_identifiers_are_random_uuids_of_version_4() -> None:
    made = [uuid.UUID(request_id()) for _ in range(600)]
    assert {identifier.version for identifier in made} == {4}
    assert len(set(made)) == 600
    assert Identifiers().next() != Identifiers().next()
