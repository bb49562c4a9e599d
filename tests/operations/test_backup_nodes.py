"""`[backup]` on two nodes of one store: one of them makes each backup, and both say the same of it."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from strongroom.framework import Operation
from strongroom.server.assembly import open_house
from strongroom.server.backup_settings import BackupSettings
from strongroom.server.config import Config, Storage
from strongroom.server.log import OperatorLog
from tests.cluster.database import PASSWORD, running
from tests.system.test_backups import HOUR, ROUTE, Planned

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]


class Node(Planned):
    """One node, under a clock of its own."""

    url = ""

    async def open(self) -> None:
        self._stack = AsyncExitStack()
        storage = Storage(kind="postgresql", url=self.url)
        config = Config(data=str(self.data), storage=storage, backup=self.settings)
        self.house = await open_house(config, self.clock, OperatorLog("text", "error"), self._stack)
        if not self.share:
            made = await self.ask(Operation.WRITE, "sys/init", secret_shares=1, secret_threshold=1)
            self.share, self.token = made["keys"][0], made["root_token"]
        await self.ask(Operation.WRITE, "sys/unseal", key=self.share)


async def test_one_node_makes_it_and_the_other_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_STORAGE_PASSWORD", PASSWORD)
    place = tmp_path / "backups"
    place.mkdir()
    settings = BackupSettings(to=str(place), every="6h")
    async with AsyncExitStack() as stack:
        database = stack.enter_context(running())
        one, two = Node(tmp_path / "one", settings), Node(tmp_path / "two", settings)
        for node in (one, two):
            node.url, node.share, node.token = database.url, one.share, one.token
            stack.push_async_callback(node.close)
            await node.open()
        two.clock.advance(6 * HOUR)
        await one.wait(6 * HOUR)
        shown = [await node.ask(Operation.READ, ROUTE) for node in (one, two)]
        assert [one["error"] for one in shown] == ["", ""]
        assert [Path(one["last"]["file"]) for one in shown] == [*place.iterdir()] * 2
        assert [(await node.metrics())["failures"] for node in (one, two)] == [0, 0]
