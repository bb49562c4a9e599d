"""The two halves of the measurement, each in a process of its own: fill a store, then serve it."""

import asyncio
import gc
import json
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from bench.jobs.store import resident_bytes
from strongroom.clock import SystemClock
from strongroom.framework import CanonicalPath, Operation, Request
from strongroom.sensitive import Sensitive
from strongroom.server.assembly import House, open_house
from strongroom.server.config import Config
from strongroom.server.log import OperatorLog

READS = 5000


def _request(
    operation: Operation, path: str, token: str, namespace: str = "", body: object = None
) -> Request:
    sent = b"" if body is None else json.dumps(body).encode()
    return Request(
        operation,
        CanonicalPath(path),
        "b" * 36,
        Sensitive(token),
        namespace=namespace,
        body=sent,
        remote="127.0.0.1",
    )


async def _opened(place: Path, stack: AsyncExitStack) -> House:
    return await open_house(Config(data=str(place)), SystemClock(), OperatorLog("text", "error"), stack)


async def fill(place: Path, count: int, most: int) -> None:
    """Make the namespaces, each with a mount and a secret; print share, root token and seconds for one.

    Writes in the root namespace make up for those that `most` would have more, since a start
    reads the end of the audit log.
    """
    async with AsyncExitStack() as stack:
        house = await _opened(place, stack)
        (share,), token = await house.ceremonies.initialize(1, 1)
        await house.ceremonies.unseal(share)
        started = time.perf_counter()
        for number in range(count):
            await house.core.handle(
                _request(Operation.WRITE, f"sys/namespaces/team-{number}", token, body={})
            )
        each = (time.perf_counter() - started) / max(count, 1)
        for name in ("", *(f"team-{number}" for number in range(count))):
            for path, body in (("sys/mounts/kv", {"type": "kv"}), ("kv/a", {"v": "x"})):
                await house.core.handle(_request(Operation.WRITE, path, token, name, body))
        for _ in range(3 * (most - count)):
            await house.core.handle(_request(Operation.WRITE, "kv/a", token, body={"v": "x"}))
        print(share.hex(), token, each)


async def serve(place: Path, count: int, share: str, token: str) -> None:
    """Print seconds to unsealed, bytes then, bytes more once all were read in, and seconds for a read."""
    async with AsyncExitStack() as stack:
        started = time.perf_counter()
        house = await _opened(place, stack)
        await house.ceremonies.unseal(bytes.fromhex(share))
        start = time.perf_counter() - started
        gc.collect()
        resident = resident_bytes()
        for number in range(count):
            await house.core.handle(_request(Operation.READ, "kv/a", token, f"team-{number}"))
        gc.collect()
        touched = resident_bytes() - resident
        inside = await _read(house, token, "team-0") if count else 0.0
        print(start, resident, touched, inside, await _read(house, token, ""))


async def _read(house: House, token: str, namespace: str) -> float:
    """Seconds of processor time for one of many reads at once."""
    started = time.process_time()
    for _ in range(READS // 50):
        reads = [_request(Operation.READ, "kv/a", token, namespace) for _ in range(50)]
        await asyncio.gather(*map(house.core.handle, reads))
    return (time.process_time() - started) / READS


if __name__ == "__main__":
    where, number, *more = Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]
    asyncio.run(fill(where, number, int(more[0])) if sys.argv[1] == "fill" else serve(where, number, *more))
