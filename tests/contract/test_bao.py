"""The real `bao` binary as a client of our server."""

import base64
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.peers import BAO, Peer
from tests.server.process import start

pytestmark = pytest.mark.slow


class Bao:
    """Runs the binary with an address and a token."""

    def __init__(self, port: int, home: Path, token: str = "") -> None:
        address = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "BAO_ADDR": address,
            "VAULT_ADDR": address,
            "BAO_TOKEN": token,
            "VAULT_TOKEN": token,
        }

    def run(self, *words: str, code: int = 0, given: str = "", token: str | None = None) -> str:
        """Its output; fails unless it ends with `code`."""
        environment = dict(self.environment)
        if token is not None:
            environment |= {"BAO_TOKEN": token, "VAULT_TOKEN": token}
        ran = subprocess.run(
            [BAO, *words],
            check=False,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == code, f"{words}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    def json(self, *words: str, code: int = 0, token: str | None = None) -> Any:
        """What it prints with `-format=json`."""
        at = 3 if words[:2] == ("kv", "metadata") else 2 if words[0] in _GROUPS else 1
        return json.loads(self.run(*words[:at], "-format=json", *words[at:], code=code, token=token))


_GROUPS = {"operator", "token", "policy", "secrets", "auth", "kv", "lease", "audit"}


@pytest.fixture
def bao(ours: Peer, tmp_path: Path) -> Bao:
    return Bao(ours.port, tmp_path, ours.token)


@pytest.fixture
def mount(bao: Bao, request: pytest.FixtureRequest) -> str:
    return f"b-{abs(hash(request.node.name))}"


def test_status_and_help(bao: Bao) -> None:
    status = bao.json("status")
    assert status["initialized"]
    assert not status["sealed"]
    assert bao.run("path-help", "cubbyhole/a").strip()
    assert bao.run("print", "token").strip() == "root"
    assert bao.run("version")


@pytest.mark.parametrize("version", ["1", "2"])
def test_kv_put_get_list_delete(bao: Bao, mount: str, version: str) -> None:
    bao.run("secrets", "enable", f"-path={mount}", f"-version={version}", "kv")
    bao.run("kv", "put", f"-mount={mount}", "dir/a", "v=1", "w=x")
    read = bao.json("kv", "get", f"-mount={mount}", "dir/a")["data"]
    assert (read["data"] if version == "2" else read) == {"v": "1", "w": "x"}
    assert bao.run("kv", "get", f"-mount={mount}", "-field=w", "dir/a").strip() == "x"
    assert bao.json("kv", "list", f"-mount={mount}") == ["dir/"]
    assert bao.json("kv", "list", f"{mount}/dir") == ["a"]
    bao.run("kv", "delete", f"-mount={mount}", "dir/a")
    bao.run("kv", "get", f"-mount={mount}", "dir/a", code=0 if version == "2" else 2)
    bao.run("secrets", "disable", mount)


def test_kv_version_2_whole(bao: Bao, mount: str) -> None:
    bao.run("secrets", "enable", f"-path={mount}", "kv-v2")
    put = bao.json("kv", "put", "-cas=0", f"-mount={mount}", "a", "v=1")
    assert put["data"]["version"] == 1
    bao.run("kv", "put", "-cas=0", f"-mount={mount}", "a", "v=2", code=2)
    bao.run("kv", "patch", f"-mount={mount}", "a", "w=2")
    bao.run("kv", "patch", "-method=rw", f"-mount={mount}", "a", "x=3")
    assert bao.json("kv", "get", f"-mount={mount}", "a")["data"]["data"] == {"v": "1", "w": "2", "x": "3"}
    assert bao.json("kv", "get", "-version=1", f"-mount={mount}", "a")["data"]["data"] == {"v": "1"}
    bao.run("kv", "rollback", "-version=1", f"-mount={mount}", "a")
    assert bao.json("kv", "get", f"-mount={mount}", "a")["data"]["data"] == {"v": "1"}
    bao.run("kv", "delete", "-versions=2", f"-mount={mount}", "a")
    bao.run("kv", "undelete", "-versions=2", f"-mount={mount}", "a")
    bao.run("kv", "destroy", "-versions=2", f"-mount={mount}", "a")
    bao.run("kv", "metadata", "put", "-max-versions=7", "-custom-metadata=k=v", f"-mount={mount}", "a")
    bao.run("kv", "metadata", "patch", "-custom-metadata=l=w", f"-mount={mount}", "a")
    metadata = bao.json("kv", "metadata", "get", f"-mount={mount}", "a")["data"]
    assert (metadata["max_versions"], metadata["custom_metadata"]) == (7, {"k": "v", "l": "w"})
    assert metadata["versions"]["2"]["destroyed"]
    bao.run("kv", "metadata", "delete", f"-mount={mount}", "a")
    bao.run("kv", "put", f"-mount={mount}", "dir/b", "v=1")
    assert bao.json("scan", f"{mount}/metadata") == ["dir/b"]


def test_read_write_list_delete(bao: Bao, mount: str) -> None:
    bao.run("secrets", "enable", f"-path={mount}", "kv")
    bao.run("write", f"{mount}/a", "v=1")
    assert bao.json("read", f"{mount}/a")["data"] == {"v": "1"}
    assert bao.json("list", mount) == ["a"]
    bao.run("delete", f"{mount}/a")
    bao.run("read", f"{mount}/a", code=2)
    wrapped = bao.json("write", "-wrap-ttl=60s", "auth/token/create", "ttl=1h")["wrap_info"]["token"]
    assert bao.json("unwrap", wrapped)["auth"]["client_token"]
    bao.run("unwrap", wrapped, code=2)


def test_tokens(bao: Bao) -> None:
    made = bao.json("token", "create", "-policy=default", "-ttl=1h", "-display-name=x", "-metadata=a=b")[
        "auth"
    ]
    token, accessor = made["client_token"], made["accessor"]
    assert bao.json("token", "lookup", token)["data"]["meta"] == {"a": "b"}
    assert bao.json("token", "lookup", "-accessor", accessor)["data"]["display_name"] == "token-x"
    assert bao.json("token", "renew", "-increment=2h", token)["auth"]["lease_duration"] == 7200
    assert "root" in bao.run("token", "capabilities", "secret/data/a")
    assert "deny" in bao.run("token", "capabilities", token, "secret/data/a")
    assert bao.run("login", "-no-store", "-token-only", token).strip() == token
    bao.run("token", "revoke", "-accessor", accessor)
    bao.run("token", "lookup", token, code=2)
    orphan = bao.run("token", "create", "-orphan", "-policy=default", "-field=token").strip()
    bao.run("token", "revoke", "-mode=orphan", orphan)
    batch = bao.run("token", "create", "-type=batch", "-policy=default", "-field=token").strip()
    assert bao.json("token", "lookup", batch)["data"]["type"] == "batch"


def test_policies(bao: Bao) -> None:
    text = 'path "secret/*" { capabilities = ["read"] }'
    bao.run("policy", "write", "p", "-", given=text)
    assert bao.run("policy", "read", "p").strip() == text
    assert "p" in bao.json("policy", "list")
    bao.run("policy", "delete", "p")
    bao.run("policy", "read", "p", code=2)


def test_mounts_and_methods(bao: Bao, mount: str) -> None:
    bao.run("secrets", "enable", f"-path={mount}", "-description=d", "kv")
    bao.run("secrets", "tune", "-default-lease-ttl=1h", mount)
    assert bao.json("secrets", "list")[f"{mount}/"]["config"]["default_lease_ttl"] == 3600
    assert "Success" in bao.run("secrets", "move", mount, f"{mount}-2")
    bao.run("secrets", "disable", f"{mount}-2")
    bao.run("auth", "enable", f"-path={mount}", "userpass")
    bao.run("auth", "tune", "-default-lease-ttl=1h", mount)
    assert bao.json("auth", "list")[f"{mount}/"]["config"]["default_lease_ttl"] == 3600
    bao.run("auth", "disable", mount)


def test_logins(bao: Bao, mount: str) -> None:
    bao.run("auth", "enable", f"-path={mount}", "userpass")
    bao.run("write", f"auth/{mount}/users/ann", "password=long-enough", "token_policies=default")
    words = ("login", "-no-store", "-token-only", "-method=userpass", f"-path={mount}", "username=ann")
    token = bao.run(*words, "password=long-enough").strip()
    assert bao.json("token", "lookup", token)["data"]["display_name"] == f"{mount}-ann"
    bao.run(*words, "password=wrong", code=2)
    bao.run("auth", "enable", f"-path={mount}-r", "approle")
    bao.run("write", f"auth/{mount}-r/role/app", "token_policies=default")
    role = bao.run("read", "-field=role_id", f"auth/{mount}-r/role/app/role-id").strip()
    secret = bao.run("write", "-f", "-field=secret_id", f"auth/{mount}-r/role/app/secret-id").strip()
    login = bao.json("write", f"auth/{mount}-r/login", f"role_id={role}", f"secret_id={secret}")
    assert login["auth"]["policies"] == ["default"]
    bao.run("token", "revoke", "-self", token=login["auth"]["client_token"])


def test_leases(bao: Bao) -> None:
    bao.run("lease", "lookup", "auth/none/1", code=2)
    bao.run("lease", "renew", "auth/none/1", code=2)
    bao.run("lease", "revoke", "auth/none/1")
    bao.run("lease", "revoke", "-prefix", "auth/none")
    bao.run("lease", "revoke", "-force", "-prefix", "auth/none")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Bao]:
    """A client of an empty server that lets operators work as the binary expects."""
    settings = "[operator]\nunauthenticated_rekey = true\nunauthenticated_generate_root = true\n"
    config = tmp_path / "strongroom.toml"
    config.write_text(f'{settings}[audit]\napi_devices = true\nfile_directory = "{tmp_path}"\n')
    with start("--data", tmp_path / "data", "--config", config) as server:
        yield Bao(server.port, tmp_path)


def _root(fresh: Bao, keys: list[str], decode: Callable[[str, str], str], token: str) -> str:
    """A root token made by key shares."""
    begun = fresh.json("operator", "generate-root", "-init", token=token)
    done = {}
    for key in keys:
        words = ("operator", "generate-root", f"-nonce={begun['nonce']}", "-format=json", "-")
        done = json.loads(fresh.run(*words, given=key, token=token))
    return decode(done["encoded_root_token"], begun["otp"])


def test_the_operators_ceremonies(fresh: Bao, tmp_path: Path) -> None:
    assert not fresh.json("status", code=2)["initialized"]
    made = fresh.json("operator", "init", "-key-shares=3", "-key-threshold=2")
    for key in made["unseal_keys_b64"][:2]:
        fresh.run("operator", "unseal", key)
    assert not fresh.json("status")["sealed"]
    token = made["root_token"]
    assert fresh.json("operator", "key-status", token=token)["term"] == 1
    fresh.run("operator", "rotate", token=token)
    assert fresh.json("operator", "key-status", token=token)["term"] == 2

    begun = fresh.json("operator", "rekey", "-init", "-key-shares=1", "-key-threshold=1", token=token)
    renewed: dict[str, Any] = {}
    for key in made["unseal_keys_b64"][:2]:
        words = ("operator", "rekey", f"-nonce={begun['nonce']}", "-format=json", "-")
        renewed = json.loads(fresh.run(*words, given=key, token=token))
    keys = renewed["keys_base64"]

    def decoded(encoded: str, otp: str) -> str:
        words = ("operator", "generate-root", f"-decode={encoded}", f"-otp={otp}")
        return fresh.run(*words, token=token).strip()

    another = _root(fresh, [base64.b64decode(key).hex() for key in keys], decoded, token)
    assert fresh.json("token", "lookup", token=another)["data"]["policies"] == ["root"]

    fresh.run("audit", "enable", "-path=lines", "file", f"file_path={tmp_path}/lines.log", token=another)
    assert "lines/" in fresh.json("audit", "list", token=another)
    fresh.run("audit", "disable", "lines", token=another)
    fresh.run("operator", "seal", token=another)
    fresh.run("operator", "unseal", keys[0])
    assert not fresh.json("status")["sealed"]
