"""Processor time of one audited read through the door, with the inventory watching and without."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

import msgspec
import uvloop

from strongroom.clock import SystemClock
from strongroom.core.core import Core
from strongroom.core.joined import Observer
from strongroom.framework import Operation, Request, Response, canonical
from strongroom.sensitive import Sensitive
from strongroom.server.assembly import open_house
from strongroom.server.config import Config
from strongroom.server.log import OperatorLog

CLIENTS = 64
PATHS = 500
ROUNDS = 5


def measure(count: int) -> tuple[float, float]:
    """Microseconds of CPU a read, all threads together: without and with tracking."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(count))


async def _measure(count: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        async with AsyncExitStack() as stack:
            config = Config(data=str(Path(place) / "data"))
            core = (await open_house(config, SystemClock(), OperatorLog("text", "error"), stack)).core
            token = await _prepared(core)
            observers = list(core.joined.observers)
            runs: dict[bool, list[float]] = {False: [], True: []}
            for _ in range(ROUNDS):
                for watched in (False, True):
                    runs[watched].append(await _round(core, token, count, observers if watched else []))
            return median(runs[False]), median(runs[True])


async def _prepared(core: Core) -> str:
    made = (
        await _ask(core, Operation.WRITE, "sys/init", "", {"secret_shares": 1, "secret_threshold": 1})
    ).data
    made = msgspec.to_builtins(made)
    token: str = made["root_token"]
    await _ask(core, Operation.WRITE, "sys/unseal", token, {"key": made["keys"][0]})
    await _ask(core, Operation.WRITE, "sys/mounts/secret", token, {"type": "kv", "options": {"version": "2"}})
    for number in range(PATHS):
        await _ask(core, Operation.WRITE, f"secret/data/app{number}", token, {"data": {"password": "x" * 24}})
    await core.services["inventory"].settled()
    return token


async def _round(core: Core, token: str, count: int, observers: Sequence[Observer]) -> float:
    core.joined.observers[:] = observers
    began = time.process_time()

    async def client(number: int) -> None:
        for at in range(count // CLIENTS):
            await _ask(core, Operation.READ, f"secret/data/app{(at * CLIENTS + number) % PATHS}", token)

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return (time.process_time() - began) / (count // CLIENTS * CLIENTS) * 1e6


async def _ask(core: Core, operation: Operation, path: str, token: str, fields: object = None) -> Response:
    body = msgspec.json.encode(fields) if fields is not None else b""
    held = Sensitive(token) if token else None
    return await core.handle(Request(operation, canonical(path.encode()), "bench", token=held, body=body))
