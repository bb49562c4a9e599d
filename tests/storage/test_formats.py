"""Stores of earlier releases are upgraded as a whole or not at all; newer ones are refused untouched."""

import hashlib
import json
import shutil
import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from strongroom import __version__
from strongroom.api.exchange import Call, Headers
from strongroom.clock import FakeClock
from strongroom.errors import IntegrityFailure
from strongroom.server.assembly import open_house
from strongroom.server.config import Config
from strongroom.server.log import OperatorLog
from strongroom.storage import database, formats
from strongroom.storage.snapshot import restore_snapshot
from strongroom.storage.sqlite import SqliteStorage

KEPT = Path(__file__).parent / "formats"
"""Stores as their releases left them: `N.db` has format N, one key share and three versions of `secret/old`."""
SHARE = "iyyOUDMnC6GaGU0Rr8QQfzFUWXUoNzcyGnjG1RPZKpE="
TOKEN = "kept"


@pytest.fixture(params=range(1, formats.FORMAT))
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A directory that holds the store of an earlier format."""
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    shutil.copy(KEPT / f"{request.param}.db", directory / database.NAME)
    return directory


def _one(path: Path, question: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchone()


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE format SET version = ?, release = '9.1.0'", (formats.FORMAT + 1,))
        connection.execute("PRAGMA journal_mode = DELETE")


async def test_the_store_of_an_earlier_release_opens_with_all_it_holds(kept: Path) -> None:
    entries = _one(kept / database.NAME, "SELECT count(*), sum(length(value)) FROM entries")
    for _ in range(2):  # once upgraded, it is a store like any other
        await (store := SqliteStorage(kept)).close()
        assert store.changes == 0
    assert _one(kept / database.NAME, "SELECT * FROM format") == (formats.FORMAT, __version__)
    assert _one(kept / database.NAME, "SELECT count(*), sum(length(value)) FROM entries") == entries


@pytest.mark.slow
async def test_its_key_share_opens_it_and_its_secrets_are_read(kept: Path) -> None:
    async with AsyncExitStack() as stack:
        house = await open_house(Config(data=str(kept)), FakeClock(), OperatorLog(level="error"), stack)
        headers = Headers({"x-vault-token": TOKEN})

        async def ask(method: str, path: bytes, query: bytes = b"", body: bytes = b"") -> dict[str, Any]:
            answer = await house.api.answer(Call(method, b"/v1/" + path, query, headers, body))
            return dict(json.loads(answer.body))

        opened = await ask("PUT", b"sys/unseal", body=json.dumps({"key": SHARE}).encode())
        assert opened.get("sealed") is False, opened
        for version in range(1, 4):
            read = await ask("GET", b"secret/data/old", f"version={version}".encode())
            assert read["data"]["data"] == {"word": f"kept-{version - 1}"}


def test_a_file_has_the_same_layout_however_it_came_to_be(kept: Path, tmp_path: Path) -> None:
    columns = "SELECT group_concat(m.name || c.name || c.type || c.'notnull') FROM sqlite_schema m, pragma_table_info(m.name) c"
    database.connect_writer(tmp_path / "new.db").close()
    database.connect_writer(kept / database.NAME).close()
    assert _one(kept / database.NAME, columns) == _one(tmp_path / "new.db", columns)


def test_an_upgrade_that_fails_changes_nothing(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept / database.NAME
    before = _one(path, "SELECT group_concat(sql) FROM sqlite_schema"), _one(path, "SELECT * FROM format")
    last = formats.FORMAT - 1
    broken = {**formats.STEPS, last: (*formats.STEPS[last], "CREATE TABLE entries (x)")}
    monkeypatch.setattr(formats, "STEPS", broken)
    with pytest.raises(IntegrityFailure, match="entries already exists"):
        SqliteStorage(kept)
    monkeypatch.undo()
    after = _one(path, "SELECT group_concat(sql) FROM sqlite_schema"), _one(path, "SELECT * FROM format")
    assert after == before
    SqliteStorage(kept)._lock.release()


async def test_a_newer_format_is_refused_by_name_and_left_alone(tmp_path: Path) -> None:
    await SqliteStorage(tmp_path).close()
    path = tmp_path / database.NAME
    _newer(path)
    before = path.read_bytes()
    wanted = (
        f"format {formats.FORMAT + 1}, made by release 9.1.0, and this release reads up to {formats.FORMAT}"
    )
    with pytest.raises(IntegrityFailure, match=wanted):
        SqliteStorage(tmp_path)
    assert path.read_bytes() == before


def test_a_format_that_was_never_written_is_refused(kept: Path) -> None:
    with closing(sqlite3.connect(kept / database.NAME)) as connection, connection:
        connection.execute("UPDATE format SET version = 0")
    with pytest.raises(IntegrityFailure, match="format 0, which no release has written"):
        SqliteStorage(kept)


async def test_a_backup_of_a_newer_release_is_not_restored(tmp_path: Path) -> None:
    await SqliteStorage(tmp_path / "data").close()
    copy = tmp_path / "data" / database.NAME
    _newer(copy)
    with pytest.raises(IntegrityFailure, match="start the newer release"):
        restore_snapshot(copy, tmp_path / "new", hashlib.sha256(copy.read_bytes()).hexdigest())
    assert not (tmp_path / "new" / database.NAME).exists()
