"""A canary in every field of every route: none comes out in a log, an error, the audit file or the store.

Names (of mounts, roles, policies, kinds) are no secrets, and errors may say them; NAMES lists those fields.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.contract.peers import Peer
from tests.server.process import start

pytestmark = pytest.mark.slow

MARK = "kanarienvogel"
NAMES = {"type", "plugin_name", "from", "to", "path", "paths", "role_name", "policies", "allowed_policies"}
NAMES |= {"meta", "metadata", "display_name"}  # who someone is: the audit log is there to tell
SKIPPED = {"/sys/seal", "/auth/token/revoke-self", "/sys/storage/backup"}
_CANARY = re.compile(rf"{MARK}-\d+-x")
METHODS = ("get", "post", "patch", "delete")


@dataclass
class Cage:
    """The planted canaries by text, and what came back in errors."""

    planted: dict[str, str] = field(default_factory=dict)
    errors: list[tuple[str, int, str]] = field(default_factory=list)

    def plant(self, where: str) -> str:
        text = f"{MARK}-{len(self.planted)}-x"
        self.planted[text] = where
        return text

    def found_in(self, content: str | bytes) -> list[str]:
        """Where the canaries were planted that are in a text."""
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
        return [self.planted[canary] for canary in _CANARY.findall(text)]


@pytest.fixture(scope="module")
def aviary(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Aviary"]:
    made = Aviary(tmp_path_factory.mktemp("canaries"))
    try:
        made.plant_everywhere()
        yield made
    finally:
        made.end()


class Aviary:
    """A real server that has been told a canary in every place it can be told something."""

    def __init__(self, place: Path) -> None:
        self.data = place / "data"
        self.cage = Cage()
        config = place / "strongroom.toml"
        config.write_text(
            f'[audit]\napi_devices = true\nfile_directory = "{place}"\n[log]\nlevel = "debug"\n'
        )
        self.device = place / "lines.log"
        self.server = start("--data", self.data, "--config", config)
        self.peer = Peer(self.server.port)
        made = self.peer.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}).body
        self.peer.token = self.root = made["root_token"]
        self.share = made["keys"][0]
        self.peer.call("PUT", "sys/unseal", {"key": self.share})
        for kind in ("userpass", "approle"):
            self.do(f"sys/auth/{kind}", {"type": kind})
        self.do("sys/mounts/one", {"type": "kv"})
        self.do("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        self.do("sys/audit/lines", {"type": "file", "options": {"file_path": str(self.device)}})
        self.do("auth/approle/role/there", {})
        self.said = ""

    def do(self, path: str, fields: dict[str, Any]) -> None:
        assert self.peer.call("POST", path, fields).status in (200, 204), path

    def end(self) -> None:
        self.peer.close()
        self.server.process.kill()
        self.server.process.communicate()

    def plant_everywhere(self) -> None:
        document = self.peer.call("GET", "sys/internal/specs/openapi").body
        for path, item in document["paths"].items():
            if path not in SKIPPED:
                for method in METHODS:
                    if method in item:
                        self.plant(path, method, item[method])
        self.plant_values()
        self.peer.close()
        self.server.process.terminate()
        out, err = self.server.process.communicate(timeout=30)
        self.said = self.server.said + out + err

    def plant(self, path: str, method: str, operation: dict[str, Any]) -> None:
        """Every field of one operation at once, then each alone (one bad field hides the others' errors)."""
        concrete = path[1:].replace("{role_name}", "there").replace("{", "a-").replace("}", "")
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        names = list(content.get("schema", {}).get("properties", {}))
        where = f"{method} {path}"
        whole = {name: self.cage.plant(f"{where} {name}") for name in names if name not in NAMES}
        bodies: list[Any] = [{**whole, "extra": self.cage.plant(f"{where} extra")}]
        for name in names:
            if name not in NAMES:
                bodies += [
                    {name: self.cage.plant(f"{where} {name}")},
                    {name: [self.cage.plant(f"{where} {name}")]},
                ]
                bodies.append({name: {"inner": self.cage.plant(f"{where} {name}")}})
        bodies.append(f'{{"broken":"{self.cage.plant(f"{where} broken")}'.encode())
        for body in bodies if method in ("post", "patch") else [None]:
            self.ask(method.upper(), concrete, body)
        query = "&".join(
            f"{name}={self.cage.plant(f'{where} ?{name}')}" for name in [*names, "version", "list", "after"]
        )
        self.ask(method.upper(), f"{concrete}?{query}", None)
        self.ask(method.upper(), concrete, None, token=self.cage.plant(f"{where} token"))

    def plant_values(self) -> None:
        """Where real secrets go: values, passwords, secret ids, headers, wrapped answers."""
        cage = self.cage
        for path in ("one/a", "cubbyhole/a", "secret/data/a"):
            self.ask("POST", path, {"data": {"v": cage.plant(path), "n": {"deep": [cage.plant(path)]}}})
            self.peer.call("GET", path)
        self.ask("PATCH", "secret/data/a", {"data": {"w": cage.plant("patch")}})
        self.ask("POST", "secret/metadata/a", {"custom_metadata": {"k": cage.plant("custom metadata")}})
        self.ask("POST", "auth/userpass/users/ann", {"password": cage.plant("password")})
        self.ask("POST", "auth/userpass/login/ann", {"password": cage.plant("wrong password")}, token="")
        self.ask("POST", "auth/approle/role/there/custom-secret-id", {"secret_id": cage.plant("secret id")})
        self.ask("POST", "auth/approle/login", {"role_id": "x", "secret_id": cage.plant("login")}, token="")
        self.ask("POST", "auth/token/create", {"id": cage.plant("token id"), "meta": {"k": "v"}})
        for header in ("X-Vault-Token", "Authorization", "X-Vault-Wrap-TTL", "Cookie", "X-Vault-MFA"):
            self.ask("GET", "one/a", None, token="", headers={header: cage.plant(header)})
        wrap = {"X-Vault-Wrap-TTL": "60"}
        self.ask("POST", "sys/wrapping/wrap", {"v": cage.plant("wrapped")}, headers=wrap)
        self.ask("POST", "sys/wrapping/unwrap", {"token": cage.plant("wrapping token")}, token="")
        self.ask("PUT", "sys/unseal", {"key": cage.plant("share")})

    def ask(self, method: str, path: str, body: Any, **more: Any) -> None:
        answer = self.peer.call(method, path, body, **more)
        assert answer.status < 500, (method, path, body, answer)
        if answer.status >= 400:
            self.cage.errors.append((f"{method} {path}", answer.status, json.dumps(answer.body)))


def test_many_canaries_were_planted_and_many_were_refused(aviary: Aviary) -> None:
    assert len(aviary.cage.planted) > 500
    assert len(aviary.cage.errors) > 200


def test_no_error_says_what_it_was_given(aviary: Aviary) -> None:
    said = {(where, text) for where, _, text in aviary.cage.errors if aviary.cage.found_in(text)}
    assert not said


def test_the_log_says_nothing(aviary: Aviary) -> None:
    assert not aviary.cage.found_in(aviary.said)
    assert aviary.root not in aviary.said
    assert aviary.share not in aviary.said


def test_nothing_on_disk_shows_anything(aviary: Aviary) -> None:
    files = [path for path in aviary.data.rglob("*") if path.is_file()]
    assert len(files) > 3
    for path in files:
        content = path.read_bytes()
        assert not aviary.cage.found_in(content), path
        assert aviary.root.encode() not in content, path
        assert aviary.share.encode() not in content, path


def test_the_audit_device_shows_nothing(aviary: Aviary) -> None:
    lines = aviary.device.read_text("utf-8")
    assert lines.count("\n") > 500
    assert not aviary.cage.found_in(lines)
    assert aviary.root not in lines


def test_the_process_list_shows_no_token() -> None:
    with start("--dev") as server:
        token = server.root_token
        listed = subprocess.run(
            ["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True
        ).stdout
        assert token not in listed
        environment = Path(f"/proc/{server.process.pid}/environ")
        assert token.encode() not in (environment.read_bytes() if environment.exists() else b"")
