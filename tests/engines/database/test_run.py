"""`strongroom run`: a program with an account of its own, which goes when the program goes."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.contract import peers
from tests.contract.peers import Peer
from tests.engines.database.postgres import Postgres

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]
BINARY = str(Path(sys.executable).parent / "strongroom")
CREATE = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"
TELL = "import os, json, sys; print(json.dumps([os.environ.get(n) for n in ('DB_USER', 'DB_PASSWORD')]), flush=True)"
WAIT = "; import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); signal.pause()"

COUNT = """
import os, signal, sys
heard, hears = os.pipe()
os.set_blocking(hears, False)
signal.set_wakeup_fd(hears)  # counts two that come together
for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, lambda *_: None)
print("ready", flush=True)
while (number := os.read(heard, 1)[0]) != signal.SIGTERM: print("interrupted", flush=True)
sys.exit(7)
"""


@pytest.fixture(scope="module")
def ours() -> Iterator[Peer]:
    with peers.strongroom() as peer:
        peer.call("POST", "sys/mounts/database", {"type": "database"})
        yield peer


def begin(ours: Peer, pg: Postgres, ttl: str) -> dict[str, str]:
    """A role, and an environment that refers to it."""
    ours.call("POST", "database/config/pg", pg.config())
    role = {"db_name": "pg", "creation_statements": CREATE, "default_ttl": ttl, "max_ttl": "1h"}
    assert ours.call("POST", "database/roles/app", role).status == 204
    place = "strongroom://database/creds/app"
    named = {"DB_USER": f"{place}/username", "DB_PASSWORD": f"{place}/password"}
    return {**os.environ, "STRONGROOM_ADDR": ours.url, "STRONGROOM_TOKEN": ours.token, **named}


def renewed(ours: Peer) -> None:
    """Wait until the one lease has been renewed."""
    (name,) = ours.call("LIST", "sys/leases/lookup/database/creds/app").body["data"]["keys"]
    lease = {"lease_id": f"database/creds/app/{name}"}
    deadline = time.monotonic() + 60
    while not ours.call("PUT", "sys/leases/lookup", lease).body["data"]["last_renewal"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_account_lives_as_long_as_the_program(ours: Peer, pg: Postgres) -> None:
    environ = begin(ours, pg, "3s")
    command = [BINARY, "run", "--", sys.executable, "-c", TELL + WAIT]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        user, password = json.loads(child.stdout.readline())
        assert pg.logs_in(user, password)
        renewed(ours)
        assert pg.logs_in(user, password)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 7
    assert user not in pg.accounts()


def test_an_interrupt_from_the_keyboard_reaches_the_program_once(ours: Peer, pg: Postgres) -> None:
    environ = begin(ours, pg, "1h")
    child, terminal = pty.fork()
    if child == 0:
        os.execve(BINARY, [BINARY, "run", "--", sys.executable, "-c", COUNT], environ)
    with os.fdopen(terminal, "rb", buffering=0) as heard:
        said = b""
        while b"ready" not in said:
            said += heard.read(1024)
        os.write(terminal, b"\x03")
        while b"interrupted" not in said:
            said += heard.read(1024)
        os.kill(child, signal.SIGTERM)
        with suppress(OSError):  # the terminal is gone
            while more := heard.read(1024):
                said += more
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert said.count(b"interrupted") == 1
    assert pg.accounts() == set()


def test_nothing_is_left_when_the_program_cannot_be_started(ours: Peer, pg: Postgres) -> None:
    environ = begin(ours, pg, "1h")
    for wrong in ({"OTHER": "strongroom://secret/nothing/here"}, {}):
        ran = subprocess.run(
            [BINARY, "run", "--", "no-such-program"],
            env={**environ, **wrong},
            capture_output=True,
            check=False,
        )
        assert ran.returncode in (1, 127)
        assert pg.accounts() == set()
