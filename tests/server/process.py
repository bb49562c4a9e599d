"""A real server process for tests: started, asked, signalled."""

import http.client
import json
import re
import signal
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_LISTENING = re.compile(r"listening address=https?://127\.0\.0\.1:(\d+)")


class NotStarted(Exception):
    """The process ended before it listened; its message is what it said."""


@dataclass
class Server:
    """The process, and what it said before it listened."""

    process: subprocess.Popen[str]
    port: int
    said: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    @property
    def root_token(self) -> str:
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline() for _ in range(6)]
        return next(line.rsplit("=", 1)[1].strip() for line in lines if "VAULT_TOKEN" in line)

    def connect(self, tls: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
        if tls is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=tls)

    def signal(self, number: signal.Signals, *, until: str = "") -> None:
        """Send a signal; return once the log says `until`."""
        self.process.send_signal(number)
        assert self.process.stderr is not None
        while until and until not in (line := self.process.stderr.readline()):
            assert line, f"the server ended without saying {until!r}"

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(25)


def start(*options: str | Path) -> Server:
    """Start `strongroom server` on a free port and wait until it listens. Raises NotStarted."""
    process = subprocess.Popen(
        [sys.executable, "-m", "strongroom", "server", "--listen", "127.0.0.1:0", *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        found = _LISTENING.search(line)
        if found:
            return Server(process, int(found[1]), said)
    process.communicate()
    raise NotStarted(said, process.returncode)


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, token: str = "", **fields: Any
) -> tuple[int, Any]:
    """One request and its JSON."""
    body = json.dumps(fields) if method in ("POST", "PUT") else None
    connection.request(method, path, body, {"X-Vault-Token": token} if token else {})
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if text else None
