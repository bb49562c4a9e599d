"""The fingerprint index: what it holds and for how long, through restarts, seals and crashes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from strongroom.barrier.view import View
from strongroom.errors import RateLimited, Sealed
from strongroom.framework import Operation
from strongroom.inventory import InventoryDesk, Reference, exchange, indexing
from strongroom.inventory.fingerprints import FORM, Keys, Value
from tests.inventory.planted import value
from tests.inventory.scanner import Scanner
from tests.inventory.test_inventory import inventory
from tests.system.test_backup import Desk

VALUE = value("index")


async def put(desk: Desk, path: str, text: str = VALUE) -> None:
    await desk.ask(Operation.WRITE, f"secret/data/{path}", data={"password": text})


async def held(desk: Desk, text: str = VALUE) -> list[str]:
    return await Scanner(desk).names(f"x {text} y".encode())


async def test_a_value_is_known_by_every_place_it_is_stored_at(desk: Desk) -> None:
    await desk.ask(Operation.WRITE, "sys/mounts/v1", type="kv", options={"version": "1"})
    await put(desk, "app")
    await desk.ask(Operation.WRITE, "v1/old", deep={"list": ["a", VALUE]})
    assert await held(desk) == ["secret/app version 1, field password", "v1/old field deep.list[1]"]


@pytest.mark.parametrize(
    ("operation", "path", "fields"),
    [
        (Operation.DELETE, "secret/data/app", {}),
        (Operation.WRITE, "secret/delete/app", {"versions": [1]}),
        (Operation.WRITE, "secret/destroy/app", {"versions": [1]}),
        (Operation.DELETE, "secret/metadata/app", {}),
        (Operation.DELETE, "sys/mounts/secret", {}),
    ],
)
async def test_what_cannot_be_read_any_more_does_not_match(
    desk: Desk, operation: Operation, path: str, fields: dict[str, Any]
) -> None:
    await put(desk, "app")
    assert await held(desk) == ["secret/app version 1, field password"]
    await desk.ask(operation, path, **fields)
    assert await held(desk) == []
    status = await desk.ask(Operation.READ, "inventory/fingerprints")
    assert (status["values"], status["searchable"]) == (0, 0)


async def test_an_undeleted_version_matches_again(desk: Desk) -> None:
    await put(desk, "app")
    await desk.ask(Operation.DELETE, "secret/data/app")
    await desk.ask(Operation.WRITE, "secret/undelete/app", versions=[1])
    assert await held(desk) == ["secret/app version 1, field password"]


async def test_a_version_that_deleted_itself_does_not_match(desk: Desk) -> None:
    await desk.ask(Operation.WRITE, "secret/metadata/app", delete_version_after="1h")
    await put(desk, "app")
    assert len(await held(desk)) == 1
    assert desk.house is not None
    desk.house.core.clock.advance(3601)  # type: ignore[attr-defined]  # the tests' own clock
    assert await held(desk) == []


async def test_versions_over_the_limit_are_forgotten(desk: Desk) -> None:
    await desk.ask(Operation.WRITE, "secret/metadata/app", max_versions=2)
    for number in range(3):
        await put(desk, "app", value(number))
    found = [await held(desk, value(number)) for number in range(3)]
    assert found == [[], ["secret/app version 2, field password"], ["secret/app version 3, field password"]]


async def test_a_moved_mount_is_named_by_its_new_path(desk: Desk) -> None:
    await put(desk, "app")
    await desk.ask(Operation.WRITE, "sys/remount", **{"from": "secret", "to": "moved"})
    assert await held(desk) == ["moved/app version 1, field password"]


async def test_the_index_outlives_seal_and_restart(desk: Desk) -> None:
    await put(desk, "app")
    await desk.ask(Operation.WRITE, "sys/seal")
    await desk.ask(Operation.WRITE, "sys/unseal", key=desk.share)
    assert len(await held(desk)) == 1
    await desk.close()
    await desk.open()
    assert len(await held(desk)) == 1


async def test_an_index_on_an_older_store_has_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path / "data")
    with monkeypatch.context() as without:
        without.setattr(InventoryDesk, "attach", lambda self: None)
        await desk.open()
        await desk.ask(Operation.WRITE, "sys/mounts/secret", type="kv", options={"version": "2"})
        await put(desk, "app")
        await desk.close()
    await desk.open()
    assert await held(desk) == ["secret/app version 1, field password"]
    await desk.close()


async def test_records_of_an_older_form_are_made_anew(desk: Desk) -> None:
    """As an older server left them: windows that scanners do not look at any more."""
    await put(desk, "app")
    await desk.ask(Operation.WRITE, "secret/data/weak", data={"password": "monkey-1234"})
    assert len(await held(desk)) == 1
    assert desk.house is not None
    tx = desk.house.core.barrier.begin()
    view = View(tx, indexing.AREA)
    view.put("keys", replace(await view.get("keys", Keys), form=0))
    for key in await view.keys("value/", "", 10):
        value = await view.get(key, Value)
        view.put(key, replace(value, form=0, hash=value.hash ^ 1 << 63))
    await tx.commit()
    await desk.close()
    await desk.open()
    assert await held(desk) == ["secret/app version 1, field password"]
    view = View(desk.house.core.barrier.begin(), indexing.AREA)
    values = [await view.get(key, Value) for key in await view.keys("value/", "", 10)]
    assert [(value.form, len(value.owners)) for value in values] == [(FORM, 1)] * 2
    assert (await view.get("keys", Keys)).form == FORM


async def test_what_a_crash_left_undone_is_done_after_the_start(desk: Desk) -> None:
    """The desk's worker is stopped, and the process ends without closing it: only notes are left."""
    service = inventory(desk)
    assert desk.house is not None
    assert service._task is not None
    service._task.cancel()
    await put(desk, "app")
    await desk.ask(Operation.WRITE, "secret/metadata/gone", custom_metadata={})
    assert len(await desk.house.core.barrier.begin().scan("inventory/pending/")) == 2
    desk.house.core.closers.remove(service.close)
    await desk.close()
    await desk.open()
    assert await held(desk) == ["secret/app version 1, field password"]
    assert await desk.house.core.barrier.begin().scan("inventory/pending/") == []


async def test_who_asks_is_told_to_ask_again_while_changes_are_taken_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer without them could call a leak clean."""
    service = inventory(desk)
    assert service._task is not None
    service._task.cancel()
    await put(desk, "app")
    monkeypatch.setattr(exchange, "STATUS_PATIENCE", 0.0)
    status = await desk.ask(Operation.READ, "inventory/fingerprints")
    assert (status["values"], status["changes_left"]) == (0, 1)
    with pytest.raises(RateLimited, match="ask again"):
        await service.settled(0.0)
    assert len(await held(desk)) == 1
    async with service._turn:
        with pytest.raises(RateLimited, match="ask again"):
            await service.settled(0.01)
    desk.house.core.closers.remove(service.close)  # type: ignore[union-attr]  # its task is gone


async def test_a_server_stops_before_all_is_taken_in_and_goes_on_after_the_start(desk: Desk) -> None:
    service = inventory(desk)
    for number in range(8):
        fields = {f"field{at}": value(f"many {number} {at}") for at in range(indexing.MOST)}
        await desk.ask(Operation.WRITE, f"secret/data/many{number}", data=fields)
    waiting = asyncio.create_task(service.settled())
    await asyncio.sleep(0)
    await service.close()
    with pytest.raises(Sealed):
        await waiting
    assert desk.house is not None
    assert await desk.house.core.barrier.begin().scan("inventory/pending/")
    await service.open()
    assert len(await held(desk, value("many 7 255"))) == 1


async def test_a_refused_or_failed_change_leaves_no_note(desk: Desk) -> None:
    await put(desk, "app")
    await held(desk)
    with pytest.raises(Exception, match="check-and-set"):
        await desk.ask(Operation.WRITE, "secret/data/app", data={"password": value(2)}, options={"cas": 7})
    assert desk.house is not None
    assert await desk.house.core.barrier.begin().scan("inventory/pending/") == []
    assert await held(desk, value(2)) == []


async def test_the_store_holds_no_plaintext_of_the_index(desk: Desk) -> None:
    await put(desk, "app")
    await held(desk)
    assert desk.house is not None
    tx = desk.house.core.barrier.begin()
    entries = {key: await tx.get(key) for key in await tx.scan("inventory/")}
    assert entries
    assert all(VALUE[:6].encode() not in key.encode() + (entry or b"") for key, entry in entries.items())


async def test_a_report_names_a_found_value_by_what_proves_it(desk: Desk) -> None:
    await put(desk, "app")
    (match,) = await Scanner(desk).finds(VALUE.encode())
    assert desk.house is not None
    tx = desk.house.core.barrier.begin()
    (found,) = await inventory(desk).matches(tx, match.known)
    assert found.created
    assert found._replace(created="", mount_uuid="") == Reference("secret/", "app", 1, "password")
    forged = match.known[0][:-1] + ("0" if match.known[0][-1] != "0" else "1")
    assert await inventory(desk).matches(tx, [forged, "", "zz", forged[:20]]) == []
    await desk.ask(Operation.WRITE, "secret/destroy/app", versions=[1])
    assert await inventory(desk).matches(desk.house.core.barrier.begin(), match.known) == []


async def test_odd_values_are_stored_and_indexed_without_harm(desk: Desk) -> None:
    odd = {
        "empty": "",
        "number": 1234567890123456,
        "null": None,
        "nested": [[["x" * 70_000]]],
        "é": "ok",
    }
    await desk.ask(Operation.WRITE, "secret/data/odd", data={**odd, "password": VALUE})
    assert await held(desk) == ["secret/odd version 1, field password"]


async def test_a_secret_of_very_many_values_is_indexed_in_part(desk: Desk) -> None:
    many = {f"field {number:05}": value(number) for number in range(indexing.MOST + 50)}
    await desk.ask(Operation.WRITE, "secret/data/many", data=many)
    status = await desk.ask(Operation.READ, "inventory/fingerprints")
    assert status["values"] == indexing.MOST


async def test_what_another_node_has_indexed_is_found(desk: Desk) -> None:
    """Two desks over one store, as two servers have them: each sees what the other took into the index."""
    await put(desk, "app")
    assert len(await held(desk)) == 1
    assert desk.house is not None
    core = desk.house.core
    mine = inventory(desk)
    other = InventoryDesk(core)
    await other.open()
    await put(desk, "second", value("second"))
    assert len((await other.settled()).by_id) == 2
    assert sorted((await mine.settled()).by_id) == sorted(other.rows.by_id)
    await desk.ask(Operation.WRITE, "secret/destroy/app", versions=[1])
    assert len((await other.settled()).by_id) == len((await mine.settled()).by_id) == 1
    await other.close()
