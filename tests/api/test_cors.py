"""Cross-origin requests."""

from strongroom.api.cors import Disabled
from tests.api.door import Desk

ORIGIN = {"origin": "https://console.example"}
ASKING = {**ORIGIN, "access-control-request-method": "PUT"}
ON = Disabled(enabled=True, allowed_origins=("https://console.example",), allowed_headers=("X-Mine",))


async def test_switched_off_no_header_is_sent() -> None:
    answer = await Desk().ask("/v1/a", headers=ORIGIN)
    assert (answer.status, answer.headers) == (204, ())
    assert (await Desk().ask("/v1/a", "OPTIONS", ASKING)).status == 405


async def test_an_allowed_origin_may_read_the_answer() -> None:
    answer = await Desk(cors=ON).ask("/v1/a", headers=ORIGIN)
    assert (b"access-control-allow-origin", b"https://console.example") in answer.headers
    assert (b"vary", b"Origin") in answer.headers


async def test_a_preflight_needs_no_token_and_reaches_no_door() -> None:
    desk = Desk(cors=ON)
    answer = await desk.ask("/v1/a", "OPTIONS", ASKING)
    headers = dict(answer.headers)
    assert answer.status == 204
    assert b"PUT" in headers[b"access-control-allow-methods"]
    assert b"X-Vault-Token" in headers[b"access-control-allow-headers"]
    assert b"X-Mine" in headers[b"access-control-allow-headers"]
    assert not desk.door.seen


async def test_another_origin_is_refused_before_the_door() -> None:
    desk = Desk(cors=ON)
    answer = await desk.ask("/v1/a", headers={"origin": "https://evil.example"})
    assert answer.status == 403
    assert not answer.headers
    assert not desk.door.seen


async def test_the_wildcard_allows_any_origin() -> None:
    wild = Disabled(enabled=True, allowed_origins=("*",))
    answer = await Desk(cors=wild).ask("/v1/a", headers={"origin": "https://any.example"})
    assert (b"access-control-allow-origin", b"https://any.example") in answer.headers
