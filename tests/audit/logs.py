"""Opening, filling, limiting and damaging logs."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from strongroom.audit.evidence import read_entries
from strongroom.audit.log import Log, Settings
from strongroom.audit.segments import segments
from strongroom.clock import FakeClock

SMALL = Settings(segment_bytes=2000)


@asynccontextmanager
async def opened(directory: Path, settings: Settings | None = None) -> AsyncIterator[Log]:
    log = await Log.open(directory, FakeClock(), settings)
    try:
        yield log
    finally:
        await log.close()


async def put(log: Log, *numbers: int) -> list[int]:
    tickets = [log.append(entry(number)) for number in numbers]
    await asyncio.gather(*map(log.flushed, tickets))
    return tickets


@contextmanager
def file_size_limit(limit_bytes: int) -> Iterator[None]:
    """Makes writes beyond an offset fail, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def numbers(directory: Path) -> list[int]:
    return [json.loads(line)["number"] for line in read_entries(directory, 0, 1_000_000)]


def entry(number: int) -> bytes:
    return json.dumps({"time": "2026-01-01T00:00:00Z", "type": "request", "number": number}).encode()


def damage(directory: Path, old: bytes, new: bytes) -> None:
    path = segments(directory)[-1].path
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
