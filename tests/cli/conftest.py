"""The real binary against a real server on loopback, with a home directory of the test's own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.server.process import Server, start

BINARY = Path(sys.executable).parent / "strongroom"
OURS = ("STRONGROOM_", "VAULT_", "BAO_", "XDG_")


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)


@dataclass
class Shell:
    """Runs commands in a directory, with no settings but its own."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {**kept, "HOME": str(self.home), "NO_COLOR": "1", "COLUMNS": "100", **self.settings}

    def __call__(
        self, *words: str | Path, stdin: str | bytes = b"", env: Mapping[str, str] | None = None
    ) -> Ran:
        ended = subprocess.run(
            [BINARY, *map(str, words)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            check=False,
            env={**self.environ, **(env or {})},
            cwd=self.home,
            timeout=180,
        )
        return Ran(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def ok(self, *words: str | Path, stdin: str | bytes = b"") -> Ran:
        ran = self(*words, stdin=stdin)
        assert ran.code == 0, ran
        return ran

    def to(self, server: Server, token: str = "root", scheme: str = "http") -> "Shell":
        """The same shell, asking this server."""
        named = {"STRONGROOM_ADDR": f"{scheme}://127.0.0.1:{server.port}", "STRONGROOM_TOKEN": token}
        return Shell(self.home, {**self.settings, **named})


@pytest.fixture(scope="session")
def dev() -> Iterator[Server]:
    """A development server for the whole run: unsealed, root token `root`, KV v2 at secret/."""
    with start("--dev", "--dev-root-token-id", "root") as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell that knows no server. Compiled rules are shared: making them takes seconds."""
    home = tmp_path / "home"
    home.mkdir()
    return Shell(home, {"STRONGROOM_CACHE": str(tmp_path_factory.getbasetemp() / "rules")})


@pytest.fixture
def sr(shell: Shell, dev: Server) -> Shell:
    """A shell with the root token of the development server."""
    return shell.to(dev)


@pytest.fixture
def limited(sr: Shell, dev: Server) -> Shell:
    """A shell whose token may only read below secret/data/open/."""
    rules = 'path "secret/data/open/*" { capabilities = ["read"] }'
    sr.ok("policy", "write", "only-open", "-", stdin=rules)
    token = sr.ok("token", "create", "--policy", "only-open", "--field", "token").out
    return sr.to(dev, token)
