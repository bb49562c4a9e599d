"""`strongroom job` against a real server whose store holds jobs in several states; and the routes behind it."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.errors import InvalidRequest, NotFound, PermissionDenied, UpstreamFailed
from strongroom.framework import Operation
from strongroom.jobs import JobContext, Workers, enqueue
from tests.cli.conftest import Shell
from tests.jobs.house import Target, finish_all, kind
from tests.server.process import Server, start
from tests.system.test_backup import Desk


async def _fail(ctx: JobContext, target: Target) -> None:
    await ctx.step("create", _one, int)
    raise UpstreamFailed("down")


async def _sleep(ctx: JobContext, target: Target) -> None:
    await ctx.sleep(10**9)
    await ctx.sleep(10**9)


async def _one(_: str) -> int:
    return 1


class Store:
    """A server with a job that failed and one that sleeps."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.failed = ""
        self.asleep = ""

    async def fill(self) -> None:
        assert self.desk.house is not None
        core = self.desk.house.core
        workers: Workers = core.services["jobs"]
        workers.register(kind(_fail, "fails", attempts=1))
        workers.register(kind(_sleep, "sleeps"))
        tx = core.barrier.begin()
        self.failed = await enqueue(tx, "fails", Target("pg"), now=core.clock.now())
        self.asleep = await enqueue(tx, "sleeps", Target("my"), now=core.clock.now())
        await tx.commit()
        await finish_all(core.barrier.begin, workers)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    desk = Desk(tmp_path / "data")
    await desk.open()
    made = Store(desk)
    await made.fill()
    yield made
    await desk.close()


async def test_the_routes_list_show_and_act(store: Store) -> None:
    ask = store.desk.ask
    listed = await ask(Operation.LIST, "sys/jobs")
    assert set(listed["keys"]) == {store.failed, store.asleep}
    assert listed["key_info"][store.failed]["error"] == "UpstreamFailed"
    assert (await ask(Operation.LIST, "sys/jobs", kind="sleeps"))["keys"] == [store.asleep]
    shown = await ask(Operation.READ, f"sys/jobs/{store.failed}")
    assert shown["arguments"] == {"name": "pg"}
    assert [step["name"] for step in shown["steps"]] == ["create"]
    assert (await ask(Operation.WRITE, f"sys/jobs/{store.failed}/retry"))["state"] == "waiting"
    assert (await ask(Operation.WRITE, f"sys/jobs/{store.asleep}/resume"))["state"] == "sleeping"
    assert (await ask(Operation.WRITE, f"sys/jobs/{store.asleep}/cancel"))["state"] == "cancelling"
    plans = await ask(Operation.LIST, "sys/job-schedules")
    assert "jobs/tidy" in plans["keys"]
    assert (await ask(Operation.READ, "sys/job-schedules/jobs/tidy"))["interval"] == 3600
    await finish_all(_core(store).barrier.begin, _core(store).services["jobs"])
    assert (await ask(Operation.READ, f"sys/jobs/{store.asleep}"))["state"] == "cancelled"


def _core(store: Store) -> Any:
    assert store.desk.house is not None
    return store.desk.house.core


async def test_the_routes_refuse(store: Store) -> None:
    ask = store.desk.ask
    for refused in ({"state": "lost"}, {"limit": 0}, {"limit": 5000}):
        with pytest.raises(InvalidRequest):
            await ask(Operation.LIST, "sys/jobs", **refused)
    with pytest.raises(InvalidRequest):
        await ask(Operation.LIST, "sys/job-schedules", limit=0)
    for path in ("sys/jobs/none", "sys/job-schedules/none"):
        with pytest.raises(NotFound):
            await ask(Operation.READ, path)
    with pytest.raises(NotFound):
        await ask(Operation.LIST, "sys/jobs", kind="none")
    with pytest.raises(InvalidRequest):
        await ask(Operation.WRITE, f"sys/jobs/{store.asleep}/retry")


async def test_who_has_no_policy_for_it_sees_no_jobs(store: Store) -> None:
    made = await store.desk.answer(Operation.WRITE, "auth/token/create", policies=["default"])
    assert made.auth is not None
    assert made.auth.client_token is not None
    token = made.auth.client_token.reveal()
    for operation, path in (
        (Operation.LIST, "sys/jobs"),
        (Operation.READ, f"sys/jobs/{store.failed}"),
        (Operation.WRITE, f"sys/jobs/{store.asleep}/cancel"),
        (Operation.LIST, "sys/job-schedules"),
    ):
        with pytest.raises(PermissionDenied):
            await store.desk.ask(operation, path, token)


@pytest.fixture
async def closed(tmp_path: Path) -> Store:
    desk = Desk(tmp_path / "data")
    await desk.open()
    made = Store(desk)
    clock = _core(made).clock
    clock.advance(int(time.time()) - clock.now())  # the server that opens it next has the real one
    await made.fill()
    await desk.close()
    return made


@pytest.fixture
def server(closed: Store) -> Iterator[Server]:
    with start("--data", closed.desk.data) as running:
        yield running


@pytest.mark.slow
def test_the_commands(closed: Store, server: Server, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    sr = Shell(home).to(server, closed.desk.token)
    sr.ok("operator", "unseal", "-", stdin=closed.desk.share)
    states = {job["name"]: job["state"] for job in sr.ok("job", "list", "--json").json}
    assert (states[closed.failed], states[closed.asleep]) == ("failed", "sleeping")
    assert closed.failed in sr.ok("job", "list", "--state", "failed").out
    assert sr("job", "list", "--state", "running").code == 1
    assert "--after" in sr.ok("job", "list", "--limit", "1").err
    shown = sr.ok("job", "show", closed.failed).out
    assert "argument name" in shown
    assert "create" in shown
    assert sr.ok("job", "show", closed.failed, "--field", "error").out == "UpstreamFailed"
    assert sr("job", "show", "none").code != 0
    sr.ok("job", "retry", closed.failed)
    assert sr("job", "retry", closed.asleep).code != 0
    assert sr("job", "cancel", closed.asleep).code == 2
    sr.ok("job", "cancel", closed.asleep, "--dry-run")
    sr.ok("job", "resume", closed.asleep)
    sr.ok("job", "cancel", closed.asleep, "--yes")
    assert "jobs/tidy" in sr.ok("job", "schedules").out
