"""Keyed hashes in place of values: what is given out again is shown as it was."""

import msgspec
import pytest

from strongroom.core.hasher import UNAVAILABLE, Hasher
from tests.suites.house import House

VALUES = [
    {"password": "a", "at": 7, "list": ["b", None, True]},
    ["c"],
    "d",
    {"raw": msgspec.Raw(b'{"e": 1.50}')},
]


@pytest.mark.parametrize("value", VALUES)
def test_what_is_shown_again_is_hashed_like_the_first_time(value: object) -> None:
    hasher = Hasher(b"k" * 32)
    encoded = msgspec.json.encode(value)
    leaf_by_leaf = msgspec.json.encode(hasher.hide(value))
    assert [hasher.shown(value, encoded) for _ in range(3)] == [leaf_by_leaf] * 3


def test_nothing_that_was_shown_outlives_the_key() -> None:
    value = {"password": "a"}
    encoded = msgspec.json.encode(value)
    shown = {Hasher(key).shown(value, encoded) for key in (b"k" * 32, b"l" * 32, b"")}
    assert len(shown) == 3
    sealed = Hasher(b"")
    assert sealed.shown(value, encoded) == msgspec.json.encode({"password": UNAVAILABLE})
    assert sealed.shown(["b"], b'["b"]') == msgspec.json.encode([UNAVAILABLE])


async def test_an_answer_given_again_leaves_the_same_entry_and_a_changed_one_another() -> None:
    house = await House.opened()
    await house.write("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    shown = []
    for value in ("one", "two"):
        await house.write("secret/data/app", {"data": {"password": value}})
        for _ in range(2):
            await house.read("secret/data/app")
            shown.append(house.log.entries()[-1]["response"]["data"]["data"]["password"])
    hashed = house.core.auditing.hasher.text
    assert shown == [hashed("one")] * 2 + [hashed("two")] * 2
