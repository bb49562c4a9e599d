"""Response → Vault's JSON, and the error table."""

import re
from pathlib import Path

import msgspec
import pytest

from strongroom import errors
from strongroom.api.errors import STATUS, status_of
from strongroom.framework import Auth, Lease, Raw, Response, WrapInfo
from strongroom.sensitive import Sensitive
from tests.api.door import Desk, Door, members

EMPTY = {
    "lease_id": "", "renewable": False, "lease_duration": 0, "wrap_info": None, "warnings": None, "auth": None,
    "mount_type": "",
}  # fmt: skip


async def answer_to(response: Response | Exception) -> tuple[int, dict[str, object]]:
    answer = await Desk(Door({"a": response})).ask("/v1/a")
    return answer.status, members(answer) if answer.body else {}


async def test_the_envelope_has_all_of_vaults_members_in_order() -> None:
    answer = await Desk(Door({"a": Response({"k": "v"})})).ask("/v1/a")
    body = members(answer)
    assert body == {**EMPTY, "data": {"k": "v"}, "request_id": body["request_id"]}
    assert list(body) == [
        "request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings", "auth",
        "mount_type",
    ]  # fmt: skip
    assert answer.content_type == b"application/json"


async def test_nothing_to_say_is_204() -> None:
    assert await answer_to(Response()) == (204, {})


async def test_warnings_alone_are_said() -> None:
    status, body = await answer_to(Response(warnings=("mind the gap",)))
    assert (status, body["warnings"], body["data"]) == (200, ["mind the gap"], None)


async def test_numbers_and_raw_json_come_back_byte_for_byte() -> None:
    kept = msgspec.Raw(b'{"n": 12345678901234567890, "f": 1.10, "e":1e400}')
    answer = await Desk(Door({"a": Response({"data": kept})})).ask("/v1/a")
    assert bytes(kept) in answer.body


async def test_a_lease_a_login_and_a_wrapping_fill_their_places() -> None:
    _, body = await answer_to(Response({"k": "v"}, lease=Lease(ttl=60, renewable=True, id="a/b/c")))
    assert (body["lease_id"], body["lease_duration"], body["renewable"]) == ("a/b/c", 60, True)
    auth = Auth(policies=("p",), display_name="d", client_token=Sensitive("hvs.x"), accessor="acc")
    _, body = await answer_to(Response(auth=auth))
    assert body["auth"]["client_token"] == "hvs.x"  # type: ignore[index]  # an object
    assert body["auth"]["metadata"] is None  # type: ignore[index]  # same
    wrapped = WrapInfo(Sensitive("hvs.w"), "acc", 60, 1_700_000_000.5, "a")
    _, body = await answer_to(Response(wrap=wrapped))
    assert body["wrap_info"] == {
        "token": "hvs.w", "accessor": "acc", "ttl": 60, "creation_time": "2023-11-14T22:13:20.5Z",
        "creation_path": "a",
    }  # fmt: skip


async def test_bare_doubled_and_raw_bodies() -> None:
    assert await answer_to(Response({"sealed": True}, bare=True, status=503)) == (503, {"sealed": True})
    _, body = await answer_to(Response({"secret/": {"type": "kv"}}, doubled=True))
    assert body["secret/"] == {"type": "kv"}
    assert body["data"] == {"secret/": {"type": "kv"}}
    answer = await Desk(Door({"a": Response(raw=Raw("application/pkix-cert", b"\x00\xff"))})).ask("/v1/a")
    assert (answer.status, answer.content_type, answer.body) == (200, b"application/pkix-cert", b"\x00\xff")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (errors.InvalidRequest("bad field"), 400, ["bad field"]),
        (errors.CasMismatch("check-and-set"), 400, ["check-and-set"]),
        (errors.InvalidCredentials("invalid credentials"), 400, ["invalid credentials"]),
        (errors.PermissionDenied("permission denied"), 403, ["permission denied"]),
        (errors.NotFound(), 404, []),
        (errors.NotFound("no handler for route 'x'"), 404, ["no handler for route 'x'"]),
        (errors.UnsupportedOperation("unsupported operation"), 405, ["unsupported operation"]),
        (errors.PreconditionFailed("behind"), 412, ["behind"]),
        (errors.TooLarge("too large"), 413, ["too large"]),
        (errors.UpstreamFailed("database"), 502, ["database"]),
        (errors.AuditFailed("audit"), 500, ["audit"]),
        (errors.NotInitialized("not initialized"), 501, ["not initialized"]),
        (errors.Sealed("Vault is sealed"), 503, ["Vault is sealed"]),
    ],
)
async def test_an_error_is_its_status_and_its_words(error: Exception, status: int, said: list[str]) -> None:
    assert await answer_to(error) == (status, {"errors": said})


def test_every_error_of_the_tree_has_the_status_that_its_docstring_says() -> None:
    tree = errors.__doc__ or ""
    drawn = {name: int(code) for name, code in re.findall(r"(\w+) +(\d{3})\b", tree)}
    assert drawn == {kind.__name__: status for kind, status in STATUS.items()}
    assert status_of(ValueError()) == 500


async def test_a_rate_limit_says_when_to_come_back() -> None:
    answer = await Desk(Door({"a": errors.RateLimited("slow down", 7)})).ask("/v1/a")
    assert answer.status == 429
    assert (b"retry-after", b"7") in answer.headers


async def test_a_404_may_carry_data_or_advice() -> None:
    deleted = errors.NotFound(data={"data": None, "metadata": {"version": 2}})
    status, body = await answer_to(deleted)
    assert (status, body["data"]) == (404, {"data": None, "metadata": {"version": 2}})
    status, body = await answer_to(errors.NotFound(warnings=("use /data/",)))
    assert (status, body["warnings"], body["data"]) == (404, ["use /data/"], None)


async def test_an_unexpected_error_names_only_the_request() -> None:
    desk = Desk(Door({"a": RuntimeError("s3cr3t-canary")}))
    answer = await desk.ask("/v1/a")
    assert answer.status == 500
    assert desk.door.seen[0].id.encode() in answer.body
    assert b"canary" not in answer.body
    assert isinstance(desk.reported[0], RuntimeError)


def test_no_module_of_the_api_imports_the_core() -> None:
    sources = Path(__file__).parents[2] / "src" / "strongroom" / "api"
    assert not [path for path in sources.glob("*.py") if "strongroom.core" in path.read_text()]
