"""Response wrapping: an answer behind a token of one use."""

import asyncio

import msgspec
import pytest

from strongroom.errors import InvalidRequest, PermissionDenied, StrongroomError
from strongroom.framework import Response
from tests.suites.house import House


@pytest.fixture
async def house() -> House:
    made = await House.opened()
    await made.write("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    await made.write("secret/data/a", {"data": {"x": "hidden"}})
    return made


def token_of(response: Response) -> str:
    assert response.wrap is not None
    assert response.data is None
    return response.wrap.token.reveal()


async def unwrap(house: House, token: str) -> dict[str, object]:
    answer = await house.write("sys/wrapping/unwrap", {"token": token}, token=None)
    assert answer.raw is not None
    body: dict[str, object] = msgspec.json.decode(answer.raw.body)
    return body


async def test_a_wrapped_answer_comes_out_once(house: House) -> None:
    token = token_of(await house.read("secret/data/a", wrap_ttl=60))
    body = await unwrap(house, token)
    assert body["data"]["data"] == {"x": "hidden"}  # type: ignore[index]  # JSON
    with pytest.raises(InvalidRequest, match="wrapping token is not valid or does not exist"):
        await unwrap(house, token)


async def test_unwrapping_takes_the_token_as_the_callers_own_too(house: House) -> None:
    token = token_of(await house.write("sys/wrapping/wrap", {"a": 1}, wrap_ttl=60))
    answer = await house.write("sys/wrapping/unwrap", {}, token=token)
    assert answer.raw is not None
    assert msgspec.json.decode(answer.raw.body)["data"] == {"a": 1}


async def test_the_log_says_who_unwrapped(house: House) -> None:
    token = token_of(await house.read("secret/data/a", wrap_ttl=60))
    reader = await house.token(policies=["default"], display_name="reader")
    start = len(house.log.lines)
    await house.write("sys/wrapping/unwrap", {"token": token}, token=reader)
    assert {entry["auth"]["display_name"] for entry in house.log.entries()[start:]} == {"token-reader"}


async def test_lookup_needs_no_token_and_uses_nothing_up(house: House) -> None:
    token = token_of(await house.read("secret/data/a", wrap_ttl=60))
    for _ in range(3):
        found = (await house.write("sys/wrapping/lookup", {"token": token}, token=None)).data
        assert found["creation_path"] == "secret/data/a"
        assert found["creation_ttl"] == 60
    await unwrap(house, token)


async def test_rewrapping_ends_the_old_token(house: House) -> None:
    old = token_of(await house.read("secret/data/a", wrap_ttl=60))
    house.clock.advance(50)
    new = token_of(await house.write("sys/wrapping/rewrap", {"token": old}, token=None))
    house.clock.advance(50)
    with pytest.raises(InvalidRequest):
        await unwrap(house, old)
    assert (await unwrap(house, new))["data"]


async def test_a_wrapping_token_expires(house: House) -> None:
    token = token_of(await house.read("secret/data/a", wrap_ttl=60))
    house.clock.advance(61)
    with pytest.raises(InvalidRequest):
        await unwrap(house, token)
    await house.core.expiry.sweep()
    assert not await house.core.barrier.begin().scan("personal/")


async def test_a_wrapping_token_opens_nothing_else(house: House) -> None:
    token = token_of(await house.read("secret/data/a", wrap_ttl=60))
    with pytest.raises(PermissionDenied):
        await house.read("secret/data/a", token=token)


async def test_exactly_one_of_fifty_unwraps_wins(house: House) -> None:
    token = token_of(await house.read("secret/data/a", wrap_ttl=60))

    async def wins() -> bool:
        try:
            await unwrap(house, token)
        except StrongroomError:
            return False
        return True

    assert sum(await asyncio.gather(*(wins() for _ in range(50)))) == 1


async def test_a_wrapped_login_gives_a_working_token(house: House) -> None:
    wrapped = await house.write("auth/token/create", {"policies": ["default"], "ttl": "1h"}, wrap_ttl=60)
    assert wrapped.wrap is not None
    assert wrapped.wrap.wrapped_accessor
    body = await unwrap(house, token_of(wrapped))
    token = body["auth"]["client_token"]  # type: ignore[index]  # JSON
    await house.read("auth/token/lookup-self", token=token)


async def test_wrap_without_a_time_is_refused(house: House) -> None:
    with pytest.raises(InvalidRequest, match="response wrapping"):
        await house.write("sys/wrapping/wrap", {"a": 1})


async def test_integers_of_any_size_survive_wrapping(house: House) -> None:
    token = token_of(
        await house.write("sys/wrapping/wrap", b'{"n": 123456789012345678901234567890}', wrap_ttl=60)
    )
    answer = await house.write("sys/wrapping/unwrap", {"token": token}, token=None)
    assert answer.raw is not None
    assert b"123456789012345678901234567890" in answer.raw.body
