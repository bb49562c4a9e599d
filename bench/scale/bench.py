"""Mixed traffic of 5,000 applications of 300 teams over 100,000 secrets, beside the same over a small store.

`python -m bench scale` runs each for a minute, `python -m bench.scale.bench` the large one for half an hour.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.vault.bulk import SEED, fill
from bench.vault.servers import Strongroom
from bench.wrk import wrk

PORT, CLIENTS, WINDOWS, AT_ONCE = 18391, 32, 6, 16
SHORT_SECONDS, LONG_SECONDS = 60, 1800
SCRIPT = Path(__file__).parent / "load.lua"
_POLICY = """
path "secret/data/bulk/*" { capabilities = ["read"] }
path "secret/metadata/bulk/*" { capabilities = ["list"] }
path "secret/data/own/*" { capabilities = ["create", "update"] }
"""


@dataclass(frozen=True)
class Size:
    """How much is in a store."""

    secrets: int
    applications: int
    teams: int


SMALL, LARGE = Size(1_000, 1, 1), Size(100_000, 5_000, 300)


@dataclass(frozen=True)
class Window:
    """A part of the run: requests a second, latencies in ms, and what the server holds after it."""

    rate: float
    p50: float
    p99: float
    megabytes: float
    files: int


@contextmanager
def filled(size: Size, directory: Path) -> Iterator[Strongroom]:
    """A server over a store of this size; `apps` beside it lists the applications."""
    with Strongroom(directory / "data", PORT) as server:
        server.call("POST", f"secret/data/{SEED}", {"data": {"username": "app", "password": "x7Kq" * 12}})
        server.stop()
        asyncio.run(fill(directory / "data", server.share, size.secrets))
        server.start()
        server.unseal()
        for team in range(size.teams):
            server.call("POST", f"sys/policies/acl/team-{team}", {"policy": _POLICY})
        server.call("POST", "sys/auth/approle", {"type": "approle"})
        with ThreadPoolExecutor(AT_ONCE) as pool:
            lines = list(pool.map(enrolled(server, size), range(size.applications)))
        (directory / "apps").write_text("\n".join(lines) + "\n", "utf-8")
        yield server


def enrolled(server: Strongroom, size: Size) -> Callable[[int], str]:
    """Makes an application: a role of its team's policy, and a login; its line for the load."""

    def one(number: int) -> str:
        role = f"auth/approle/role/app-{number}"
        server.call("POST", role, {"token_policies": [f"team-{number % size.teams}"], "token_ttl": "2h"})
        role_id = server.call("GET", f"{role}/role-id")["data"]["role_id"]
        secret_id = server.call("POST", f"{role}/secret-id", {})["data"]["secret_id"]
        login = server.call("POST", "auth/approle/login", {"role_id": role_id, "secret_id": secret_id})
        return f"{login['auth']['client_token']} {role_id} {secret_id}"

    return one


def windows(server: Strongroom, size: Size, directory: Path, seconds: int, count: int) -> Iterator[Window]:
    """The traffic, in parts. Raises RuntimeError when an answer was an error."""
    environment = {"SECRETS": str(size.secrets), "APPS": str(directory / "apps")}
    for _ in range(count):
        found = wrk(SCRIPT, PORT, CLIENTS, seconds // count, environment)
        yield Window(found.rate, found.p50, found.p99, server.resident_bytes() / 2**20, server.open_files())


def table(title: str, found: Iterable[Window]) -> list[Window]:
    """Print a line a window; return them."""
    print(f"{title}\n\n| window | requests a second | p50, ms | p99, ms | resident, MiB | open files |")
    print("|---|---|---|---|---|---|")
    kept = []
    for number, one in enumerate(found, 1):
        row = f"{one.rate:,.0f} | {one.p50:.1f} | {one.p99:.1f} | {one.megabytes:.0f} | {one.files}"
        print(f"| {number} | {row} |", flush=True)
        kept.append(one)
    print()
    return kept


def measure(seconds: int, count: int) -> None:
    """The small store for a minute at most, the large one for `seconds`, and how the two compare."""
    p99 = []
    for title, size, lasting, parts in (
        ("small store", SMALL, min(seconds, SHORT_SECONDS), WINDOWS),
        ("100,000 secrets, 5,000 applications, 300 teams", LARGE, seconds, count),
    ):
        with tempfile.TemporaryDirectory(prefix="bench-scale-") as made:
            directory = Path(made)
            with filled(size, directory) as server:
                found = table(title, windows(server, size, directory, lasting, parts))
        p99.append(statistics.median(one.p99 for one in found))
    print(f"p99, large over small: {p99[1] / p99[0]:.2f} (goal: 2 at most)")


def main(short: bool) -> None:
    """A minute each, or half of one: the half hour is `make bench-scale`'s."""
    measure(SHORT_SECONDS // 2 if short else SHORT_SECONDS, WINDOWS)


if __name__ == "__main__":
    measure(LONG_SECONDS, LONG_SECONDS // 60)
