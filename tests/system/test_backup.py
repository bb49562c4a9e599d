"""`sys/storage`: snapshots in pieces, damaged entries, and the mark that ends restored tokens."""

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from strongroom.clock import FakeClock
from strongroom.errors import InvalidRequest, NotFound, PermissionDenied, StrongroomError
from strongroom.framework import Operation, Request, Response, canonical
from strongroom.sensitive import Sensitive
from strongroom.server.assembly import House, open_house
from strongroom.server.config import Config
from strongroom.server.log import OperatorLog
from strongroom.storage.sqlite import SqliteStorage
from strongroom.system.restored import MARK


class Desk:
    """A whole server on a data directory, without its listener."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.share = ""
        self.token = ""
        self._stack = AsyncExitStack()
        self.house: House | None = None

    async def open(self) -> None:
        log = OperatorLog("text", "error")
        self.house = await open_house(Config(data=str(self.data)), FakeClock(), log, self._stack)
        if not self.share:
            made = await self.ask(Operation.WRITE, "sys/init", secret_shares=1, secret_threshold=1)
            self.share, self.token = made["keys"][0], made["root_token"]
        await self.ask(Operation.WRITE, "sys/unseal", key=self.share)

    async def close(self) -> None:
        await self._stack.aclose()

    async def answer(self, operation: Operation, path: str, token: str = "", **fields: Any) -> Response:
        assert self.house is not None
        reads = operation in (Operation.READ, Operation.DELETE)
        request = Request(
            operation,
            canonical(path.encode()),
            "test",
            token=Sensitive(token or self.token) if token or self.token else None,
            body=b"" if reads else msgspec.json.encode(fields),
            query={name: str(value) for name, value in fields.items()} if reads else {},
        )
        return await self.house.core.handle(request)

    async def ask(self, operation: Operation, path: str, token: str = "", **fields: Any) -> Any:
        return msgspec.to_builtins((await self.answer(operation, path, token, **fields)).data)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path / "data")
    await made.open()
    yield made
    await made.close()


async def test_the_pieces_are_the_snapshot(desk: Desk) -> None:
    made = await desk.ask(Operation.WRITE, "sys/storage/backup")
    pieces = b""
    while len(pieces) < made["size_bytes"]:
        answer = await desk.answer(
            Operation.READ, f"sys/storage/backup/{made['id']}", offset=len(pieces), length=10_000
        )
        assert answer.raw is not None
        pieces += answer.raw.body
    assert hashlib.sha256(pieces).hexdigest() == made["sha256"]
    assert made["audit_checkpoint"].splitlines()[1] == str(made["audit_entries"])


async def test_one_snapshot_exists_and_deletion_and_sealing_remove_it(desk: Desk) -> None:
    first = await desk.ask(Operation.WRITE, "sys/storage/backup")
    second = await desk.ask(Operation.WRITE, "sys/storage/backup")
    assert [path.stem for path in (desk.data / "backup").iterdir()] == [second["id"]]
    with pytest.raises(NotFound):
        await desk.ask(Operation.READ, f"sys/storage/backup/{first['id']}")
    await desk.ask(Operation.DELETE, f"sys/storage/backup/{second['id']}")
    assert list((desk.data / "backup").iterdir()) == []
    await desk.ask(Operation.WRITE, "sys/storage/backup")
    await desk.ask(Operation.WRITE, "sys/seal")
    assert list((desk.data / "backup").iterdir()) == []


@pytest.mark.parametrize("fields", [{"offset": -1}, {"length": 0}, {"length": 2**30}])
async def test_pieces_outside_the_limits_are_refused(desk: Desk, fields: dict[str, Any]) -> None:
    made = await desk.ask(Operation.WRITE, "sys/storage/backup")
    with pytest.raises(InvalidRequest):
        await desk.ask(Operation.READ, f"sys/storage/backup/{made['id']}", **fields)


@pytest.mark.parametrize("name", ["..%2fstore.db", "store", "x"])
async def test_no_other_file_is_given(desk: Desk, name: str) -> None:
    await desk.ask(Operation.WRITE, "sys/storage/backup")
    with pytest.raises(StrongroomError):
        await desk.ask(Operation.READ, f"sys/storage/backup/{name}")


async def test_an_ordinary_token_gets_nothing(desk: Desk) -> None:
    created = await desk.answer(Operation.WRITE, "auth/token/create", policies=["default"])
    assert created.auth is not None
    assert created.auth.client_token is not None
    token = created.auth.client_token.reveal()
    for operation, path in ((Operation.WRITE, "sys/storage/backup"), (Operation.READ, "sys/storage/damaged")):
        with pytest.raises(PermissionDenied):
            await desk.ask(operation, path, token)


async def test_damaged_entries_are_named_and_the_rest_is_served(desk: Desk) -> None:
    assert await desk.ask(Operation.READ, "sys/storage/damaged") == {"keys": []}
    await desk.ask(Operation.WRITE, "sys/policies/acl/p", policy='path "a" { capabilities = ["read"] }')
    with sqlite3.connect(desk.data / "store.db") as database:
        (key,) = database.execute("SELECT key FROM entries WHERE key LIKE '%policy/%p'").fetchone()
        database.execute("UPDATE entries SET value = zeroblob(60) WHERE key = ?", (key,))
    database.close()
    await desk.close()
    await desk.open()
    assert await desk.ask(Operation.READ, "sys/storage/damaged") == {"keys": [key]}
    with pytest.raises(InvalidRequest):
        await desk.ask(Operation.READ, "sys/storage/damaged", limit=0)


async def test_the_mark_of_a_restore_ends_every_token_once(desk: Desk) -> None:
    await desk.close()
    storage = SqliteStorage(desk.data)
    tx = storage.begin()
    tx.put(MARK, b"1")
    await tx.commit()
    await storage.close()
    await desk.open()
    with pytest.raises(PermissionDenied):
        await desk.ask(Operation.READ, "auth/token/lookup-self")
    await desk.close()
    storage = SqliteStorage(desk.data)
    assert await storage.begin().get(MARK) is None
    await storage.close()
