"""Ours beside OpenBao: the same load, in turns, in one run; then ours alone with growing stores."""

import asyncio
import http.client
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import astuple
from pathlib import Path
from statistics import median

from bench.vault import bulk, report
from bench.vault.load import Load, Measured, run
from bench.vault.servers import OpenBao, Server, Strongroom

LOADS = (
    *(Load(f"read, {clients} clients", "read", clients) for clients in (1, 32, 256)),
    *(Load(f"write, {clients} clients", "write", clients) for clients in (1, 32, 256)),
    Load("9 reads to 1 write, 32 clients", "mixed", 32),
    Load("approle login, 32 clients", "approle", 32),
    Load("userpass login, 4 clients", "userpass", 4),
)
PORTS = (18201, 18211)
SECRETS = 1000
READS, STRIDE, LISTINGS = 2000, 7_919, 100


def main(short: bool) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        _side_by_side(Path(place), seconds=2 if short else 5, rounds=1 if short else 3)
    sizes = (1_000, 100_000) if short else (1_000, 100_000, 1_000_000)
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        asyncio.run(_by_size(Path(place), sizes))


def _side_by_side(place: Path, seconds: int, rounds: int) -> None:
    servers = (Strongroom(place / "ours", PORTS[0]), OpenBao(place / "theirs", PORTS[1]))
    starts = [_start_up(kind(place / f"start-{kind.name}", port)) for kind, port in _KINDS]
    with ExitStack() as stack:
        extras = [_prepare(stack.enter_context(server)) for server in servers]
        idle = [server.resident_bytes() for server in servers]
        for load in LOADS:
            runs: tuple[list[Measured], list[Measured]] = ([], [])
            for _ in range(rounds):
                for server, extra, measured in zip(servers, extras, runs, strict=True):
                    measured.append(run(server, load, seconds, extra))
            report.load(load, _median(runs[0]), _median(runs[1]))
        peaks = [server.peak_bytes() for server in servers]
    report.process("start to first answer, ms", [start * 1000 for start in starts])
    report.process("resident memory with 1,000 secrets, MiB", [size / 2**20 for size in idle])
    report.process("resident memory at most under load, MiB", [size / 2**20 for size in peaks])


_KINDS: tuple[tuple[type[Server], int], ...] = ((Strongroom, PORTS[0]), (OpenBao, PORTS[1]))


def _start_up(server: Server) -> float:
    """The median time from start to the first answer."""
    times = []
    for _ in range(3):
        times.append(server.start())
        server.stop()
    return median(times)


def _prepare(server: Server) -> dict[str, str]:
    """The secrets to read, and the logins; what the load's script needs to know of them."""
    for number in range(SECRETS):
        server.call("POST", f"secret/data/bench/{number}", {"data": {"password": f"first-{number}"}})
    server.call("POST", "sys/auth/approle", {"type": "approle"})
    server.call("POST", "auth/approle/role/bench", {"token_ttl": "1h", "token_type": "service"})
    server.call("POST", "sys/auth/userpass", {"type": "userpass"})
    server.call(
        "POST", "auth/userpass/users/bench", {"password": "a-password-of-some-length", "token_ttl": "1h"}
    )
    role = server.call("GET", "auth/approle/role/bench/role-id")["data"]["role_id"]
    secret = server.call("POST", "auth/approle/role/bench/secret-id", {})["data"]["secret_id"]
    return {"ROLE": role, "SECRET": secret}


def _median(runs: Sequence[Measured]) -> Measured:
    return Measured(*(median(column) for column in zip(*map(astuple, runs), strict=True)))


async def _by_size(place: Path, sizes: Sequence[int]) -> None:
    """Reads and listings as the store grows: the reads are of random secrets of the whole store."""
    server = Strongroom(place / "ours", PORTS[0])
    with server:
        server.call(
            "POST", "secret/data/bulk/0", {"data": {"username": "application", "password": "x7Kq" * 12}}
        )
    for size in sizes:
        await bulk.fill(server.data, server.share, size)
        server.start()
        server.unseal()
        await asyncio.to_thread(_at_size, server, size)
        server.stop()


def _at_size(server: Server, size: int) -> None:
    """Latencies in milliseconds of one client; the reads are spread over the store by a fixed stride."""
    ask = Asker(server)
    paths = [f"secret/data/{bulk.name(number * STRIDE % size)}" for number in range(READS)]
    reads = [ask.milliseconds("GET", path) for path in paths]
    folder = f"secret/metadata/bulk/{size // bulk.FOLDER // 2}"
    listings = [ask.milliseconds("LIST", folder) for _ in range(LISTINGS)]
    load = Load(f"{size} secrets", "bulk", 32)
    report.size(size, reads, listings, run(server, load, 3, {"COUNT": str(size)}))


class Asker:
    """One client with one connection."""

    def __init__(self, server: Server) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._headers = {"X-Vault-Token": server.token}

    def milliseconds(self, method: str, path: str) -> float:
        """How long one successful request takes."""
        began = time.perf_counter()
        self._connection.request(method, f"/v1/{path}", headers=self._headers)
        response = self._connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status}")
        return (time.perf_counter() - began) * 1000
