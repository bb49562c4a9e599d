"""The door itself: order of checks, audit before answer, conflicts, what is refused and how."""

import asyncio
import hmac
import json
from contextlib import suppress

import pytest

from strongroom.errors import (
    AuditFailed,
    InvalidRequest,
    NotFound,
    NotInitialized,
    PermissionDenied,
    Sealed,
    StrongroomError,
    UnsupportedOperation,
)
from strongroom.framework import Operation
from strongroom.system.ceremonies import Permissions
from tests.suites.house import House


@pytest.fixture
async def house() -> House:
    made = await House.opened()
    await made.write("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    await made.write("secret/data/a", {"data": {"password": "hunter2-canary", "pin": 73251}})
    return made


async def test_nothing_but_status_answers_before_and_while_sealed() -> None:
    house = House(Permissions(), {})
    with pytest.raises(NotInitialized):
        await house.read("secret/data/a", token="x")
    assert (await house.read("sys/init", token=None)).data == {"initialized": False}
    opened = await House.opened()
    await opened.write("sys/seal", {})
    with pytest.raises(Sealed):
        await opened.read("sys/mounts")
    health = await opened.read("sys/health", token=None)
    assert health.status == 503
    assert health.data["sealed"] is True


async def test_without_a_token_every_path_is_denied_alike(house: House) -> None:
    for path in ("secret/data/a", "nope/x", "sys/nope", "auth/nope/login"):
        with pytest.raises(PermissionDenied, match=r"^permission denied$"):
            await house.read(path, token=None)


async def test_where_nothing_is_says_so_to_those_who_may_know(house: House) -> None:
    with pytest.raises(NotFound, match="no handler for route 'nope/x'"):
        await house.read("nope/x")
    with pytest.raises(NotFound, match="unsupported path"):
        await house.read("sys/nope")
    with pytest.raises(UnsupportedOperation):
        await house.delete("sys/capabilities-self")


async def test_a_refusal_names_the_missing_capability(house: House) -> None:
    token = await house.token(policies=["default"])
    with pytest.raises(PermissionDenied, match=r"read.*secret/data/a"):
        await house.read("secret/data/a", token=token)


async def test_sudo_paths_need_sudo(house: House) -> None:
    await house.write(
        "sys/policies/acl/most",
        {"policy": 'path "sys/*" { capabilities = ["create","read","update","delete","list"] }'},
    )
    token = await house.token(policies=["most"])
    with pytest.raises(PermissionDenied, match="sudo"):
        await house.write("sys/seal", {}, token=token)


async def test_every_request_leaves_two_entries_without_a_value(house: House) -> None:
    start = len(house.log.lines)
    await house.read("secret/data/a", headers={"x-strongroom-reason": "ticket 7", "user-agent": "pytest"})
    request, response = house.log.entries()[start:]
    assert request["type"] == "request"
    assert request["request"]["path"] == "secret/data/a"
    assert request["request"]["reason"] == "ticket 7"
    assert request["request"]["remote_address"] == "127.0.0.1"
    assert request["auth"]["policies"] == ["root"]
    assert response["type"] == "response"
    assert response["request"]["id"] == request["request"]["id"]
    assert response["response"]["facts"]["version"] == 1
    text = b"".join(house.log.lines).decode()
    assert "hunter2-canary" not in text
    assert "73251" not in text
    assert house.root not in text


async def test_what_entries_share_is_never_another_requests(house: House) -> None:
    asked = [
        ("secret/data/a", {"user-agent": "one"}),
        ("secret/data/a", {"user-agent": "two", "x-forwarded-for": "192.0.2.1"}),
        ("nope/x", {}),
        ("nope/y", {"user-agent": "one", "x-strongroom-reason": "ticket 8"}),
        ("secret/data/a", {}),
    ]
    start = len(house.log.lines)
    for path, headers in asked:
        with suppress(NotFound):
            await house.read(path, headers=headers)
    entries = house.log.entries()[start:]
    for (path, headers), request, response in zip(asked, entries[::2], entries[1::2], strict=True):
        described = request["request"]
        kept = {name: text for name, text in headers.items() if not name.startswith("x-strongroom")}
        assert (described["path"], described["headers"]) == (path, kept)
        assert described["mount_type"] == ("kv" if path.startswith("secret/") else "")
        assert described.get("reason") == headers.get("x-strongroom-reason")
        assert response["request"].items() <= described.items()


async def test_audited_values_can_be_looked_for(house: House) -> None:
    start = len(house.log.lines)
    await house.read("secret/data/a")
    entry = house.log.entries()[start + 1]
    key = house.core.tokens.keys.audit
    expected = "hmac-sha256:" + hmac.digest(key, b"hunter2-canary", "sha256").hex()
    assert entry["response"]["data"]["data"]["password"] == expected
    number = "hmac-sha256:" + hmac.digest(key, b"73251", "sha256").hex()
    assert entry["response"]["data"]["data"]["pin"] == number


async def test_refusals_are_recorded_too(house: House) -> None:
    start = len(house.log.lines)
    with pytest.raises(PermissionDenied):
        await house.read("secret/data/a", token="wrong-token-canary")
    with pytest.raises(StrongroomError):
        await house.write("secret/data/a", b"{not json canary-body")
    entries = house.log.entries()[start:]
    assert len(entries) == 4
    assert all("error" in entry for entry in entries)
    assert "canary" not in json.dumps(entries)


async def test_no_entry_no_answer(house: House) -> None:
    house.log.broken = True
    with pytest.raises(AuditFailed):
        await house.read("secret/data/a")
    with pytest.raises(AuditFailed):
        await house.write("secret/data/b", {"data": {"x": 1}})
    house.log.broken = False
    await house.read("secret/data/a")
    with pytest.raises(NotFound):
        await house.read("secret/data/b")


async def test_one_of_fifty_check_and_set_writes_wins(house: House) -> None:
    async def wins(number: int) -> bool:
        try:
            await house.write("secret/data/cas", {"data": {"n": number}, "options": {"cas": 0}})
        except InvalidRequest:
            return False
        return True

    assert sum(await asyncio.gather(*(wins(n) for n in range(50)))) == 1
    assert (await house.read("secret/metadata/cas")).data["current_version"] == 1


async def test_help_is_there_for_every_route(house: House) -> None:
    answer = await house.ask(Operation.HELP, "secret/data/a")
    assert answer.bare
    assert answer.data["help"]


async def test_metrics_count_by_outcome(house: House) -> None:
    await house.read("secret/data/a")
    with pytest.raises(PermissionDenied):
        await house.read("secret/data/a", token="x")
    raw = (await house.read("sys/metrics")).raw
    assert raw is not None
    text = raw.body.decode()
    assert (
        'strongroom_request_seconds_count{mount_type="kv",namespace="",operation="read",outcome="ok"}' in text
    )
    assert 'outcome="PermissionDenied"' in text
