"""The load: Debian's `wrk` with one script, the same for both servers."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.vault.servers import Server

SCRIPT = Path(__file__).parent / "load.lua"
_RATE = re.compile(r"rate=([\d.]+) p50=([\d.]+) p99=([\d.]+) answers=(\d+) errors=(\d+)")


@dataclass(frozen=True)
class Measured:
    """One run: requests a second, latencies in milliseconds, processor time of the server a request."""

    rate: float
    p50: float
    p99: float
    cpu_us: float


@dataclass(frozen=True)
class Load:
    """What is asked (`kind` names a branch of the script), by how many connections at once."""

    title: str
    kind: str
    clients: int


def run(server: Server, load: Load, seconds: int, extra: dict[str, str]) -> Measured:
    """One run. Raises RuntimeError when an answer was an error: a failed request is no fast one."""
    before = server.cpu_seconds()
    environment = {"KIND": load.kind, "TOKEN": server.token, **extra}
    command = ["wrk", "-t1", f"-c{load.clients}", f"-d{seconds}s", "--timeout", "20s", "-s", str(SCRIPT)]
    ran = subprocess.run(
        [*command, f"http://127.0.0.1:{server.port}"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = _RATE.search(ran.stdout)
    if found is None or int(found[5]):
        raise RuntimeError(f"{server.name}, {load.title}: errors under load\n{ran.stdout}")
    rate, p50, p99, answers = (float(text) for text in found.groups()[:4])
    return Measured(rate, p50, p99, (server.cpu_seconds() - before) / answers * 1e6)
