"""Two servers to ask: ours and a real OpenBao, both in development mode on loopback."""

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.server.process import start
from tests.suites.openbao import BAO as BINARY

ROOT = "root"
BAO = BINARY
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its body as JSON where it is JSON, else as text."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Peer:
    """A server's address, and one connection to it."""

    def __init__(self, port: int, token: str = ROOT, log: Path | None = None) -> None:
        self.port = port
        self.token = token
        self.log = log
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request below `/v1/`; a `bytes` body goes out as it is, anything else as JSON."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = dict(headers or {})
        token = self.token if token is None else token
        if token:
            given["X-Vault-Token"] = token
        try:
            self._connection.request(method, f"/v1/{path}", sent, given)
            response = self._connection.getresponse()
            raw = response.read()
        except http.client.HTTPException:
            self._connection.close()
            raise
        return Answer(response.status, _decoded(raw), {k.lower(): v for k, v in response.getheaders()})

    def close(self) -> None:
        self._connection.close()


def _decoded(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


@contextmanager
def strongroom(*options: str | Path) -> Iterator[Peer]:
    """Our development server."""
    with start("--dev", "--dev-root-token-id", ROOT, *options) as server:
        peer = Peer(server.port)
        try:
            yield peer
        finally:
            peer.close()


@contextmanager
def openbao(home: Path) -> Iterator[Peer]:
    """OpenBao's development server."""
    port = free_port()
    command = [str(BAO), "server", "-dev", f"-dev-root-token-id={ROOT}", "-dev-no-store-token"]
    process = subprocess.Popen(
        [*command, f"-dev-listen-address=127.0.0.1:{port}"],
        env={**os.environ, "HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peer = Peer(port)
    try:
        _wait(peer)
        yield peer
    finally:
        peer.close()
        process.terminate()
        process.wait(timeout=20)


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(peer: Peer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if peer.call("GET", "sys/health").status == 200 and _has_secret(peer):
                return
        except OSError:
            peer.close()
            assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.1)


def _has_secret(peer: Peer) -> bool:
    """Whether development mode has finished: its mount at `secret/` is version 2."""
    answer = peer.call("GET", "sys/mounts")
    return (
        answer.status == 200 and (answer.body.get("secret/", {}).get("options") or {}).get("version") == "2"
    )
