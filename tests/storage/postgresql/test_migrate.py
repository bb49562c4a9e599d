"""Moving a store there and back: whole, compared, again after a crash, never under a server."""

from pathlib import Path

import pytest

from strongroom import cli
from strongroom.errors import IntegrityFailure
from strongroom.framework import Operation
from strongroom.storage import formats
from strongroom.storage.migration import PAGE, PostgresqlPlace, SnapshotPlace, SqlitePlace, move
from strongroom.storage.postgresql import PostgresqlStorage
from strongroom.storage.sqlite import SqliteStorage
from tests.cluster.database import PASSWORD, Database
from tests.inventory.planted import value
from tests.inventory.scanner import Scanner
from tests.storage.test_formats import KEPT
from tests.suites.storage import AWKWARD, write
from tests.system.test_backup import Desk

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

ENTRIES: dict[str, bytes | None] = {
    **{f"k/{number:05}": str(number).encode() for number in range(PAGE * 3)},
    **{f"x{key}": key.encode() for key in AWKWARD},
    "big": bytes(range(256)) * 4096,
    "~barrier/keyring": b"last",
}


@pytest.fixture
async def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STRONGROOM_STORAGE_PASSWORD", PASSWORD)
    store = SqliteStorage(tmp_path / "data")
    await write(store, ENTRIES)
    await store.close()
    return tmp_path / "data"


def migrate(source: object, target: object) -> int:
    return cli.main(["migrate", "--from", str(source), "--to", str(target)])


async def test_there_and_back_everything_is_the_same(
    data: Path, tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert migrate(data, database.url) == 0
    assert f"moved {len(ENTRIES)} entries" in capsys.readouterr().out
    node = await PostgresqlStorage.open(database.address)
    tx = node.begin()
    assert {key: await tx.get(key) for key in await tx.scan("", limit=10_000)} == ENTRIES
    assert migrate(database.url, tmp_path / "used") != 0  # a server works on it
    await node.close()
    assert migrate(database.url, tmp_path / "back") == 0
    back = SqliteStorage(tmp_path / "back")
    read = back.begin()
    assert {key: await read.get(key) for key in await read.scan("", limit=10_000)} == ENTRIES
    assert migrate(tmp_path / "back", database.url) != 0  # both are in use, or hold a store
    await back.close()
    assert migrate(tmp_path / "back", database.url) != 0
    assert migrate(database.url, tmp_path / "back") != 0
    assert migrate(tmp_path / "nothing", database.url) != 0
    assert migrate(data, tmp_path / "other") != 0
    assert PASSWORD not in "".join(capsys.readouterr())


async def test_the_fingerprint_index_moves_along(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRONGROOM_STORAGE_PASSWORD", PASSWORD)
    desk = Desk(tmp_path / "data")
    await desk.open()
    await desk.ask(Operation.WRITE, "sys/mounts/secret", type="kv", options={"version": "2"})
    await desk.ask(Operation.WRITE, "secret/data/app", data={"password": value("moved")})
    await desk.close()
    assert migrate(desk.data, database.url) == 0
    assert migrate(database.url, tmp_path / "back") == 0
    desk.data = tmp_path / "back"
    await desk.open()
    assert await Scanner(desk).names(value("moved").encode()) == ["secret/app version 1, field password"]
    await desk.close()


@pytest.mark.parametrize("version", range(1, formats.FORMAT))
async def test_the_snapshot_of_an_earlier_layout_moves_as_well(version: int, database: Database) -> None:
    source = SnapshotPlace(KEPT / f"{version}.db")
    target = PostgresqlPlace(database.address, target=True)
    count = move(source, target)
    target.close()
    source.close()
    node = await PostgresqlStorage.open(database.address)
    assert len(await node.begin().scan("", limit=10_000)) == count > 0
    await node.close()


class Cut(Exception):
    """The power is gone."""


async def test_a_move_cut_short_is_no_store_and_goes_on(
    data: Path, tmp_path: Path, database: Database
) -> None:
    def cut(_: int) -> None:
        raise Cut

    source = SqlitePlace(data, target=False)
    target = PostgresqlPlace(database.address, target=True)
    with pytest.raises(Cut):
        move(source, target, cut)
    target.close()
    with pytest.raises(IntegrityFailure, match="did not finish"):
        await PostgresqlStorage.open(database.address)
    target = PostgresqlPlace(database.address, target=True)
    assert move(source, target) == len(ENTRIES)
    target.close()
    source.close()
    back = SqlitePlace(tmp_path / "back", target=True)
    source_again = PostgresqlPlace(database.address, target=False)
    with pytest.raises(Cut):
        move(source_again, back, cut)
    back.close()
    back = SqlitePlace(tmp_path / "back", target=True)
    assert move(source_again, back) == len(ENTRIES)
    back.close()
    source_again.close()


async def test_what_is_not_the_same_is_found(data: Path, database: Database) -> None:
    source = SqlitePlace(data, target=False)
    target = PostgresqlPlace(database.address, target=True)
    target.add([(b"a", b"a stranger's"), *source.page(b"")])
    with pytest.raises(IntegrityFailure, match="the entry a is not the same"):
        move(source, target)
    source.close()
    target.close()
    with pytest.raises(IntegrityFailure, match="did not finish"):
        await PostgresqlStorage.open(database.address)
