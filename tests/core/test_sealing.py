"""Sealing when the store or a part of the server fails: the keys are forgotten all the same."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import pytest

from strongroom.core.hasher import UNAVAILABLE
from strongroom.errors import IntegrityFailure, Sealed, Unavailable
from strongroom.storage.contract import StorageFull
from tests.suites.house import House

ERRORS = [IntegrityFailure("canary-in-text"), StorageFull("canary-in-text"), Unavailable("canary-in-text")]


def failing(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def holds_nothing(house: House) -> bool:
    """Whether neither keys nor sessions are left in memory."""
    with suppress(Sealed):
        house.core.barrier.begin()
        return False
    hashes = house.core.auditing.hasher.text("x") != UNAVAILABLE
    return house.core.sealed and not house.core.tokens._sessions and not hashes


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("step", ["read", "apply"])
async def test_a_store_that_fails_keeps_no_key_in_memory(
    step: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    house, forgotten = await House.opened(), list[str]()
    house.core.closers.append(lambda: forgotten.append("answers"))
    setattr(house.storage, step, failing(error))
    with caplog.at_level(logging.WARNING):
        await house.core.seal()
    assert holds_nothing(house)
    assert forgotten == ["answers"]
    assert "canary-in-text" not in caplog.text


async def test_a_part_that_cannot_stop_keeps_no_other_from_it() -> None:
    house, forgotten = await House.opened(), list[str]()
    house.core.closers += [failing(RuntimeError("a defect")), lambda: forgotten.append("answers")]
    await house.core.seal()
    assert holds_nothing(house)
    assert forgotten == ["answers"]


async def test_who_stops_waiting_for_a_part_that_hangs_leaves_no_key() -> None:
    house = await House.opened()
    hung = asyncio.Event()
    house.core.closers.append(hung.wait)  # type: ignore[arg-type] # what it returns is not looked at
    sealing = asyncio.ensure_future(house.core.seal())
    for _ in range(20):
        await asyncio.sleep(0)
    sealing.cancel()
    with suppress(asyncio.CancelledError):
        await sealing
    assert holds_nothing(house)
