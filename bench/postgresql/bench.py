"""Ours beside OpenBao, both with the same PostgreSQL as their store, in turns; then two of our nodes."""

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import quote

from tests.cluster.database import PASSWORD, Database, running

from bench.vault.load import Load, Measured, run
from bench.vault.servers import OpenBao, Server, Strongroom

PORTS = (18241, 18251, 18261)
SECRETS = 1000
EXTRA = {"COUNT": str(SECRETS)}
LOADS = ((Load("read, 32 clients", "read", 32), 12.0), (Load("write, 32 clients", "write", 32), 8.0))
_OPENBAO = """
storage "postgresql" {{
  connection_url = "{url}"
}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_disable = true
}}
audit "file" "lines" {{
  options {{
    file_path = "{data}/audit.log"
  }}
}}
api_addr = "http://127.0.0.1:{port}"
log_level = "error"
"""


class Ours(Strongroom):
    """One node on PostgreSQL."""

    def __init__(self, data: Path, port: int, database: Database) -> None:
        super().__init__(data, port)
        self.database = database

    def command(self) -> list[str]:
        os.environ["STRONGROOM_STORAGE_PASSWORD"] = PASSWORD
        return [*super().command(), "--storage", self.database.url]


class Theirs(OpenBao):
    """OpenBao on PostgreSQL, with a file audit device."""

    def __init__(self, data: Path, port: int, database: Database) -> None:
        super().__init__(data, port)
        self._database = database

    def command(self) -> list[str]:
        made = super().command()
        url = self._database.url.replace("@", f":{quote(PASSWORD)}@") + "?sslmode=disable"
        text = _OPENBAO.format(url=url, port=self.port, data=self.data)
        (self.data / "server.hcl").write_text(text, "utf-8")
        return made


def main(short: bool) -> None:
    """Measure and print."""
    seconds, rounds = (3, 1) if short else (5, 3)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        database = stack.enter_context(running())
        ours = stack.enter_context(Ours(place / "ours", PORTS[0], database.created("ours")))
        theirs = stack.enter_context(Theirs(place / "theirs", PORTS[1], database.created("theirs")))
        for server in (ours, theirs):
            _fill(server)
        print(f"  {os.cpu_count()} cores, shared by the load, the database and the server measured")
        for load, goal in LOADS:
            _side_by_side(ours, theirs, load, goal, seconds, rounds)
        second = stack.enter_context(_another(ours, place / "second", PORTS[2]))
        for load, _ in LOADS:
            _two(ours, second, load, seconds, rounds)


def _side_by_side(ours: Server, theirs: Server, load: Load, goal: float, seconds: int, rounds: int) -> None:
    runs: tuple[list[Measured], list[Measured]] = ([], [])
    for _ in range(rounds):
        for server, measured in zip((ours, theirs), runs, strict=True):
            measured.append(run(server, load, seconds, EXTRA))
    mine, other = (median(found.rate for found in measured) for measured in runs)
    costs = [median(found.cpu_us for found in measured) for measured in runs]
    verdict = "reached" if mine / other >= goal else "not reached"
    rates = f"{mine:>10,.0f}/s{other:>10,.0f}/s{mine / other:>8.1f}x  goal {goal:g}x: {verdict}"
    print(f"  {load.title:<20}{rates}")
    print(f"  {'  processor time':<20}{costs[0]:>10,.0f} us{costs[1]:>9,.0f} us a request")


def _two(first: Server, second: Server, load: Load, seconds: int, rounds: int) -> None:
    """The same load on one node, and on each of two at once."""
    alone, both = [], []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            alone.append(run(first, load, seconds, EXTRA).rate)
            at_once = [pool.submit(run, node, load, seconds, EXTRA) for node in (first, second)]
            both.append(sum(found.result().rate for found in at_once))
    one, two = median(alone), median(both)
    print(f"  {load.title:<20}{one:>10,.0f}/s on one node{two:>10,.0f}/s on two{two / one:>8.2f}x")


@contextmanager
def _another(first: "Ours", data: Path, port: int) -> Iterator[Server]:
    """A second node on the first one's store."""
    node = Ours(data, port, first.database)
    node.start()
    node.share, node.token = first.share, first.token
    node.unseal()
    try:
        yield node
    finally:
        node.stop()


def _fill(server: Server) -> None:
    for number in range(SECRETS):
        server.call("POST", f"secret/data/bench/{number}", {"data": {"username": "application"}})
