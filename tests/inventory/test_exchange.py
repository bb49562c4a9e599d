"""The exchange: no side learns more than it should, and hostile input changes nothing."""

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from strongroom.clock import FakeClock
from strongroom.errors import InvalidRequest, PermissionDenied, RateLimited
from strongroom.framework import Operation
from strongroom.inventory import guard
from strongroom.inventory.anchor import anchor
from strongroom.scanner.known import blinding, windows
from strongroom.scanner.known.finder import KnownFinder
from strongroom.scanner.matcher import Text
from tests.inventory.planted import value
from tests.inventory.scanner import FINGERPRINTS, NoDetectors, Scanner
from tests.inventory.test_index import put
from tests.inventory.test_inventory import token
from tests.system.test_backup import Desk

SCANNER = """
path "inventory/fingerprints/filter" { capabilities = ["read"] }
path "inventory/fingerprints/evaluate" { capabilities = ["update"] }
path "inventory/fingerprints/rows" { capabilities = ["update"] }
path "inventory/fingerprints/tokens" { capabilities = ["update"] }
"""
WEAK = (
    "Summer2024!Winter2025!",
    "Tr0ub4dor&3x",
    "1qaz2wsx3edc4rfv5tgb",
    "correct-Horse-battery-staple",
    "20240131-20241231",
)


async def test_the_documented_policy_is_enough_to_scan_and_for_nothing_else(desk: Desk) -> None:
    await put(desk, "app", value("policy"))
    limited = await token(desk, "scanner", SCANNER)
    assert len(await Scanner(desk, limited).names(value("policy").encode())) == 1
    for path in ("inventory/fingerprints", "inventory/reports/duplicate", "secret/data/app"):
        with pytest.raises(PermissionDenied):
            await desk.answer(Operation.READ, path, limited)


async def test_the_filter_opens_no_row(desk: Desk) -> None:
    """All that a filter holds, tried as answers: names, lengths and checks stay with the server."""
    for number in range(20):
        await put(desk, f"app/{number}", value(number))
    rows = (await Scanner(desk).filter()).rows
    assert len(rows) == 20
    tried = [bytes(row["id"]) + bytes(row["tag"]) * 2 for row in rows]
    tried += [bytes(row["id"]) + int(row["hash"]).to_bytes(8) * 2 for row in rows]
    tried += [bytes(row["id"]) + bytes(16) for row in rows]
    answer = await desk.ask(Operation.WRITE, f"{FINGERPRINTS}/rows", rows=[row.hex() for row in tried])
    assert answer["rows"] == [None] * len(tried)


async def test_the_filter_shows_too_few_bits_to_tell_a_window(desk: Desk) -> None:
    await put(desk, "app", value("bits"))
    (row,) = (await Scanner(desk).filter()).rows
    assert int(row["hash"]) % (1 << (64 - windows.hash_bits(1))) == 0
    assert windows.hash_bits(100_000) == 35


async def test_the_server_sees_other_points_each_time(desk: Desk) -> None:
    await put(desk, "app", value("blind"))
    first, second = Scanner(desk), Scanner(desk)
    text = f"password {value('blind')}".encode()
    assert len(await first.finds(text)) == len(await second.finds(text)) == 1
    assert len(first.points) == len(second.points) == 1
    assert first.points != second.points
    found = anchor(value("blind").encode())
    assert found is not None
    plain = blinding.hashed(found.window).public_numbers().x.to_bytes(32)
    assert b64encode(plain).decode() not in first.points


async def test_a_window_without_the_rest_is_no_match_and_the_server_hears_of_no_other(desk: Desk) -> None:
    """The scanner asks about places that pass the filter only, and shows only what it has evaluated."""
    await put(desk, "app", value("rest", 30))
    cut = value("rest", 30)[:-1].encode()
    scanner = Scanner(desk)
    assert await scanner.finds(cut + b"!" if not cut.endswith(b"!") else cut) == []
    quiet = Scanner(desk)
    assert await quiet.finds(" ".join(value(n) for n in range(500)).encode()) == []
    assert len(quiet.points) < 10
    assert quiet.rows == []


@pytest.mark.parametrize("text", WEAK)
async def test_values_that_can_be_guessed_are_not_in_the_filter(desk: Desk, text: str) -> None:
    await put(desk, "app", text)
    status = await desk.ask(Operation.READ, FINGERPRINTS)
    assert (status["values"], status["searchable"]) == (1, 0)
    assert await Scanner(desk).finds(text.encode()) == []


def test_most_random_values_are_searched_for() -> None:
    for length, least in ((16, 0.9), (20, 0.97), (32, 0.99)):
        found = sum(anchor(value(n, length).encode()) is not None for n in range(400))
        assert found >= least * 400, length
    hexed = sum(anchor(value(n, 32, "0123456789abcdef").encode()) is not None for n in range(400))
    assert hexed >= 0.95 * 400


@pytest.mark.parametrize(
    "points",
    [
        ["not base64!"],
        [b64encode(b"short").decode()],
        [b64encode(bytes(33)).decode()],
        [b64encode(b"\xff" * 32).decode()],
        [b64encode((5).to_bytes(32)).decode(), ""],
        ["AAAA"] * 1001,
        [1],
        "text",
        None,
    ],
)
async def test_hostile_points_are_refused_without_their_text(desk: Desk, points: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await desk.ask(Operation.WRITE, f"{FINGERPRINTS}/evaluate", points=points)
    assert "base64!" not in str(refused.value)


@pytest.mark.parametrize(
    "row", ["", "zz", "00" * 23, "00" * 25, "../keys" + "0" * 41, "0" * 47 + "\n", "é" * 48, "A" * 48]
)
async def test_hostile_rows_find_nothing(desk: Desk, row: str) -> None:
    await put(desk, "app", value("rows"))
    answer = await desk.ask(Operation.WRITE, f"{FINGERPRINTS}/rows", rows=[row])
    assert answer["rows"] == [None]


async def test_no_more_than_the_limit_is_evaluated_in_an_hour(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "PER_CALLER", 25)
    monkeypatch.setattr(guard, "PER_SERVER", 40)
    point = b64encode(blinding.blind(b"0123456789").point).decode()
    first, second = await token(desk, "one", SCANNER), await token(desk, "two", SCANNER)

    async def evaluate(who: str, number: int) -> None:
        await desk.ask(Operation.WRITE, f"{FINGERPRINTS}/evaluate", who, points=[point] * number)

    await evaluate(first, 20)
    with pytest.raises(RateLimited):
        await evaluate(first, 6)
    await evaluate(first, 5)
    with pytest.raises(RateLimited):
        await evaluate(second, 16)
    assert desk.house is not None
    assert isinstance(desk.house.core.clock, FakeClock)
    desk.house.core.clock.advance(3600)
    await evaluate(first, 20)


async def test_points_are_charged_before_they_are_looked_at(desk: Desk) -> None:
    for _ in range(guard.PER_CALLER // 1000):
        with pytest.raises(InvalidRequest):
            await desk.ask(Operation.WRITE, f"{FINGERPRINTS}/evaluate", points=["AAAA"] * 1000)
    with pytest.raises(RateLimited):
        await desk.ask(Operation.WRITE, f"{FINGERPRINTS}/evaluate", points=["AAAA"])


async def test_texts_that_are_searched_together_are_told_apart(desk: Desk) -> None:
    """Each match lies in its own text; what only two texts together hold is not found."""
    await desk.ask(Operation.WRITE, "secret/data/app", data={"password": value("apart")})
    scanner = Scanner(desk)
    finder = KnownFinder(NoDetectors(), await scanner.filter(), scanner)
    plain = value("apart").encode()
    contents = [
        b"",
        b"a=" + plain,
        plain[:12],
        plain[12:],
        b64encode(plain) + b"\n",
        plain[:12],
        plain[12:] + plain,
    ]
    texts = [Text("text", content) for content in contents]
    found = await asyncio.to_thread(lambda: list(finder.scan_many(texts)))
    alone = await asyncio.to_thread(lambda: [finder.scan("text", content) for content in contents])
    assert found == alone
    assert [len(matches) for matches in found] == [0, 1, 0, 0, 1, 0, 1]
