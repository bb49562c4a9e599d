"""Where the demonstration plays: a folder, a server of its own, and commands as a person would type them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from strongroom.cli.client import Client, Options, Refused
from strongroom.cli.errors import UNEXPECTED, Failure
from strongroom.sensitive import Sensitive

COMMAND = (sys.executable, "-m", "strongroom")
OURS = ("STRONGROOM_", "VAULT_", "BAO_")
LISTENING = "listening address="
PATIENCE = 300.0
LOOK = 0.1


class Stage:
    """A server in a folder, and a terminal. `place` is the host and port that the server may reach."""

    def __init__(self, folder: Path, place: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.home = folder / "home"
        self.token = f"demo-{secrets.token_hex(8)}"
        self.address = ""
        self._place = place
        self._processes: list[subprocess.Popen[str]] = []
        self._number = 0
        self._bold, self._plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")

    def __enter__(self) -> Stage:
        self.home.mkdir()
        settings = self.folder / "server.toml"
        settings.write_text(f'listen = "127.0.0.1:0"\n[rotation]\noutbound = ["{self._place}"]\n', "utf-8")
        server = self.start(
            "server",
            "--dev",
            "--dev-root-token-id",
            self.token,
            "--config",
            str(settings),
            "--data",
            str(self.data),
        )
        assert server.stderr is not None  # noqa: S101  # it was started with a pipe
        for line in server.stderr:
            if LISTENING in line:
                self.address = line.partition(LISTENING)[2].split()[0]
                return self
        raise Failure(UNEXPECTED, "the server did not start")

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.communicate()

    @property
    def environ(self) -> dict[str, str]:
        """What commands are run with: this server, a home of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        own = {"HOME": str(self.home), "COLUMNS": "110", "NO_COLOR": "1", "GIT_CONFIG_NOSYSTEM": "1"}
        return {**kept, **own, "STRONGROOM_ADDR": self.address, "STRONGROOM_TOKEN": self.token}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start one of our commands beside the story."""
        process = subprocess.Popen(  # noqa: S603  # this very program
            [*COMMAND, *words], env=self.environ, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self._processes.append(process)
        return process

    def act(self, title: str, text: str) -> None:
        """Begin a chapter."""
        self._number += 1
        self.say(f"\n{self._bold}{self._number}. {title}{self._plain}\n   {text}")

    def say(self, text: str) -> None:
        """Tell something."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def show(self, *words: str, lines: int = 40) -> None:
        """Run one of our commands as a person would, and show what it prints."""
        ran = subprocess.run(  # noqa: S603  # this very program
            [*COMMAND, *words], env=self.environ, text=True, capture_output=True, check=False, cwd=self.folder
        )
        self.say(f"   {self._bold}$ strongroom {' '.join(words)}{self._plain}")
        for line in (ran.stdout + ran.stderr).splitlines()[:lines]:
            self.say(f"   {line}")

    def git(self, *words: str) -> None:
        """Run git quietly."""
        who = ("-c", "user.name=Bob", "-c", "user.email=bob@example.com", "-c", "init.defaultBranch=main")
        subprocess.run(  # noqa: S603  # git, with words of this module's own
            ["git", *who, *words],  # noqa: S607
            env=self.environ,
            check=True,
            capture_output=True,
            cwd=self.folder,
        )

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """Ask the server over its API."""
        client = Client(Options(self.address, Sensitive(token or self.token)))
        try:
            answer = client.request(method, path, body)
        finally:
            client.close()
        return (answer.body or {}).get("data")

    def login(self, user: str, rules: str) -> str:
        """Make a user with these rights and log in; returns the token."""
        self.ask("POST", f"sys/policies/acl/{user}", {"policy": rules})
        password = secrets.token_urlsafe(12)
        self.ask("POST", f"auth/userpass/users/{user}", {"password": password, "token_policies": user})
        client = Client(Options(self.address))
        try:
            answer = client.request("POST", f"auth/userpass/login/{user}", {"password": password})
        finally:
            client.close()
        return str(answer.body["auth"]["client_token"])

    def until_there(self, path: Path) -> None:
        """Wait for a file."""
        end = time.monotonic() + PATIENCE
        while not path.exists():
            if time.monotonic() > end:
                raise Failure(UNEXPECTED, f"{path.name} did not come")
            time.sleep(LOOK)

    def until_closed(self) -> tuple[dict[str, Any], float]:
        """Wait for the first incident to close; returns it, and the seconds until the leak was over."""
        started = time.monotonic()
        over = 0.0
        while time.monotonic() < started + PATIENCE:
            found = self._incident()
            if found.get("contained") and not over:
                over = time.monotonic() - started
            if found.get("state") == "closed":
                return found, over
            time.sleep(LOOK)
        raise Failure(UNEXPECTED, f"the incident did not close: {json.dumps(found)}")

    def _incident(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.ask("GET", "incidents/1")
        except Refused as refused:
            if refused.status != 404:
                raise
            return {}
        return found

    def invitation(self) -> str:
        """How to go on by oneself."""
        return (
            f"\n{self._bold}Explore{self._plain} (in another terminal; Ctrl-C here ends it all):\n"
            f"   export STRONGROOM_ADDR={self.address} STRONGROOM_TOKEN={self.token}\n"
            "   strongroom incident show 1\n"
            "   strongroom inventory list\n"
            f"   strongroom audit verify --data {self.data}\n"
        )
