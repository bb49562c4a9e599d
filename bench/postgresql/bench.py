"""Ours beside OpenBao, both with the same PostgreSQL as their store: reads and writes in turns."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from urllib.parse import quote

from tests.cluster.database import PASSWORD, Database, running

from bench.vault.load import Load, run
from bench.vault.servers import OpenBao, Server, Strongroom

PORTS = (18241, 18251)
SECRETS = 1000
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
        self._database = database

    def command(self) -> list[str]:
        os.environ["STRONGROOM_STORAGE_PASSWORD"] = PASSWORD
        return [*super().command(), "--storage", self._database.url]


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
            rates: dict[str, list[float]] = {"ours": [], "theirs": []}
            for _ in range(rounds):
                rates["ours"].append(run(ours, load, seconds, {"COUNT": str(SECRETS)}).rate)
                rates["theirs"].append(run(theirs, load, seconds, {"COUNT": str(SECRETS)}).rate)
            mine, other = median(rates["ours"]), median(rates["theirs"])
            verdict = "reached" if mine / other >= goal else "not reached"
            print(
                f"  {load.title:<20}{mine:>10,.0f}/s{other:>10,.0f}/s"
                f"{mine / other:>8.1f}x  goal {goal:g}x: {verdict}"
            )


def _fill(server: Server) -> None:
    for number in range(SECRETS):
        server.call("POST", f"secret/data/bench/{number}", {"data": {"username": "application"}})
