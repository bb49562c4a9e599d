"""The load: Debian's `wrk` with one script, the same for both servers."""

from dataclasses import dataclass
from pathlib import Path

from bench.vault.servers import Server
from bench.wrk import wrk

SCRIPT = Path(__file__).parent / "load.lua"


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
    """One run. Raises RuntimeError when an answer was an error."""
    before = server.cpu_seconds()
    environment = {"KIND": load.kind, "TOKEN": server.token, **extra}
    found = wrk(SCRIPT, server.port, load.clients, seconds, environment)
    cpu = server.cpu_seconds() - before
    return Measured(found.rate, found.p50, found.p99, cpu / found.answers * 1e6)
