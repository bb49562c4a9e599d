"""A small real log to prove and to damage."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from strongroom.audit.checkpoint import Signer
from strongroom.audit.log import Log, Settings
from strongroom.clock import FakeClock

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
KEY = Signer(PRIVATE).key


def entry(number: int) -> bytes:
    value = {
        "time": "2026-01-02T03:04:05.6Z",
        "type": "response" if number % 2 else "request",
        "auth": {"display_name": f"user-{number % 3}", "accessor": "hmac-sha256:00", "policies": ["default"]},
        "request": {
            "id": f"id-{number // 2}",
            "operation": "read",
            "path": f"secret/data/app-{number}",
            "remote_address": "192.0.2.7",
        },
    }
    return json.dumps(value, separators=(",", ":")).encode()


async def build(directory: Path, count: int, checkpoint_every: int, segment_bytes: int = 4000) -> None:
    log = await Log.open(directory, FakeClock(), Settings(segment_bytes=segment_bytes))
    await log.set_signer(PRIVATE)
    for number in range(count):
        await log.flushed(log.append(entry(number)))
        if (number + 1) % checkpoint_every == 0:
            await log.checkpoint()
    await log.close()


def make_log(directory: Path, count: int = 60, checkpoint_every: int = 10) -> Path:
    asyncio.run(build(directory, count, checkpoint_every))
    return directory


def edit(directory: Path, sequence: int, change: Callable[[list[bytes], int], None]) -> None:
    """Change the lines of the segment that holds an entry, given its lines and the entry's place."""
    path = [p for p in sorted(directory.glob("*.jsonl")) if p.stem.isdigit() and int(p.stem) <= sequence][-1]
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines, sequence - int(path.stem))
    path.write_bytes(b"".join(lines))
