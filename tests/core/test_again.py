"""The leave to give an answer again when something fails; that it is the same answer: `properties/test_again`."""

import asyncio
from collections.abc import Callable

import pytest

from strongroom.core.again import GivenAgain
from strongroom.errors import AuditFailed, IntegrityFailure, StrongroomError
from strongroom.framework import Operation
from tests.suites.house import House


@pytest.fixture
async def house() -> House:
    made = await House.opened()
    await made.write("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    await made.write("secret/data/a", {"data": {"pin": 73251}})
    return made


async def leave(house: House) -> GivenAgain:
    response = await house.read("secret/data/a")
    assert response.again is not None
    made = response.again()
    assert isinstance(made, GivenAgain)
    return made


def told(outcomes: list[StrongroomError | None], again: GivenAgain) -> bool:
    return again.begin("request-again", outcomes.append)


async def test_it_is_counted_and_recorded_like_any_other(house: House) -> None:
    again, outcomes = await leave(house), list[StrongroomError | None]()
    before = len(house.log.lines)
    key = ("kv", Operation.READ, "ok", "")
    counted = house.core.metrics.requests[key].count
    assert told(outcomes, again)
    assert outcomes == [], "not before it is on disk"
    await asyncio.sleep(0)
    assert outcomes == [None]
    assert house.core.metrics.requests[key].count == counted + 1
    asked, answered = house.log.entries()[before:]
    assert (asked["type"], answered["type"]) == ("request", "response")
    assert asked["request"]["id"] == answered["request"]["id"] == "request-again"


async def test_its_size_counts_the_entries_it_compares_with(house: House) -> None:
    """A short secret with a long history is a short answer over a long entry."""
    few = (await leave(house)).size
    await house.write("secret/metadata/a", {"max_versions": 1000})
    for number in range(300):
        await house.write("secret/data/a", {"data": {"pin": number}})
    assert (await leave(house)).size > few + 300 * 10


async def test_a_log_that_takes_nothing_leaves_it_to_the_long_way(house: House) -> None:
    again, outcomes = await leave(house), list[StrongroomError | None]()
    house.log.broken = True
    assert not told(outcomes, again)
    with pytest.raises(AuditFailed):
        await house.read("secret/data/a")
    assert outcomes == []


async def test_an_entry_that_was_lost_is_an_error_and_counted_as_one(house: House) -> None:
    again, outcomes = await leave(house), list[StrongroomError | None]()

    def lost(sequence: int, call: Callable[[str], None]) -> None:
        asyncio.get_running_loop().call_soon(call, "lost")

    house.log.then = lost  # type: ignore[method-assign] # the disk fails between entry and sync
    assert told(outcomes, again)
    await asyncio.sleep(0)
    assert [type(one) for one in outcomes] == [AuditFailed]
    assert house.core.metrics.requests["kv", Operation.READ, "AuditFailed", ""].count == 1


async def test_a_store_that_cannot_be_read_leaves_it_to_the_long_way(house: House) -> None:
    again, outcomes = await leave(house), list[StrongroomError | None]()
    await house.write("secret/data/b", {"data": {}})  # something has changed, so what was read is compared

    def unreadable(key: str) -> bytes | None:
        raise IntegrityFailure("the store cannot be read")

    house.storage.read = unreadable  # type: ignore[attr-defined] # what the fake has and the contract has not
    assert not told(outcomes, again)


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("secret/data/a", {"wrap_ttl": 60}),
        ("secret/data/a", {"query": {"version": "1"}}),
        ("sys/mounts", {}),
    ],
)
async def test_what_is_not_a_plain_read_has_none(
    house: House, path: str, settings: dict[str, object]
) -> None:
    response = await house.read(path, **settings)
    assert response.again is None or response.again() is None


async def test_a_token_of_few_uses_is_never_given_the_same(house: House) -> None:
    await house.write("sys/policies/acl/reader", {"policy": 'path "secret/*" { capabilities = ["read"] }'})
    token = await house.token(policies=["reader"], num_uses=5)
    response = await house.read("secret/data/a", token=token)
    assert response.again is not None
    again = response.again()
    assert again is None or not again.begin("request-again", lambda _: None)
