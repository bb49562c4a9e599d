"""Notes of changed secrets: one stands for all changes until it is taken."""

import pytest

from strongroom.barrier.view import View
from strongroom.inventory import indexing
from strongroom.inventory.indexing import AREA, PENDING
from strongroom.storage.contract import Conflict
from tests.suites.house import House


async def test_a_note_that_is_there_is_not_written_again() -> None:
    begin = (await House.opened()).core.barrier.begin
    tx = begin()
    await indexing.note(tx, "uuid", "app")
    assert tx.dirty
    await tx.commit()
    again = begin()
    await indexing.note(again, "uuid", "app")
    assert not again.dirty
    assert await indexing.notes(again) == ["uuid/app"]


async def test_a_change_runs_again_when_its_note_was_taken_meanwhile() -> None:
    begin = (await House.opened()).core.barrier.begin
    tx = begin()
    await indexing.note(tx, "uuid", "app")
    await tx.commit()
    change = begin()
    change.put("mount/uuid/data/app", b"new")
    await indexing.note(change, "uuid", "app")
    taking = begin()
    View(taking, AREA).delete(f"{PENDING}uuid/app")
    await taking.commit()
    with pytest.raises(Conflict):
        await change.commit()


async def test_notes_come_in_order_from_where_one_left_off() -> None:
    begin = (await House.opened()).core.barrier.begin
    tx = begin()
    paths = [f"uuid/{number:03}" for number in range(2 * indexing.AT_ONCE)]
    for path in reversed(paths):
        await indexing.note(tx, *path.split("/"))
    await tx.commit()
    first = await indexing.notes(begin())
    assert first == paths[: indexing.AT_ONCE]
    assert await indexing.notes(begin(), first[-1]) == paths[indexing.AT_ONCE :]
