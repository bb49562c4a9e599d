"""Namespaces for Vault's clients: `hvac` and `bao` as they are, and the same requests to a real OpenBao."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest
from hvac import exceptions

from tests.contract import peers
from tests.contract.peers import BAO, Peer
from tests.contract.step import Step
from tests.namespaces.beside import unexplained

pytestmark = pytest.mark.slow

MERGE = {"Content-Type": "application/merge-patch+json"}
ONE, IN = {"X-Vault-Namespace": "one"}, {"X-Vault-Namespace": "one/in"}
POLICY = 'path "kv/*" { capabilities = ["read"] } path "in/kv/*" { capabilities = ["read"] }'
OUTER = (
    'path "one/kv/*" { capabilities = ["read"] } path "one/auth/token/create" { capabilities = ["update"] }'
)
TALK = (
    Step("LIST", "sys/namespaces"),
    Step("POST", "sys/namespaces/one", {"custom_metadata": {"a": "b"}}),
    Step("POST", "sys/namespaces/one", {"custom_metadata": {"c": "d"}}),
    Step("POST", "sys/namespaces/one/in", {}),
    Step("POST", "sys/namespaces/in", {}, headers=ONE),
    Step("GET", "sys/namespaces/in", headers=ONE),
    Step("GET", "one/sys/namespaces/in"),
    Step("GET", "sys/namespaces/one/in"),
    Step("GET", "sys/namespaces/none"),
    Step("LIST", "sys/namespaces"),
    Step("SCAN", "sys/namespaces"),
    Step("LIST", "sys/namespaces", headers=ONE),
    Step("LIST", "sys/namespaces", headers=IN),
    Step("PATCH", "sys/namespaces/one", {"custom_metadata": {"c": None, "e": "f"}}, headers=MERGE),
    Step("PATCH", "sys/namespaces/none", {"custom_metadata": {}}, headers=MERGE),
    *(Step("POST", f"sys/namespaces/{name}", {}) for name in ("root", "sys", "auth", "a+b", "a*b", "secret")),
    Step("POST", "sys/namespaces/odd", {"custom_metadata": {"a": 1}}),
    Step("POST", "sys/mounts/one", {"type": "kv"}),
    Step("POST", "sys/mounts/one/deep", {"type": "kv"}),
    Step("POST", "sys/mounts/kv", {"type": "kv"}, headers=ONE),
    Step("POST", "sys/mounts/kv", {"type": "kv"}, headers=IN),
    Step("POST", "kv/a", {"v": "1"}, headers=ONE),
    Step("POST", "one/in/kv/a", {"v": "2"}),
    *(Step("GET", path) for path in ("one/kv/a", "one/in/kv/a", "in/kv/a", "kv/a", "none/kv/a")),
    *(Step("GET", path, headers=ONE) for path in ("kv/a", "in/kv/a", "one/kv/a")),
    Step("GET", "kv/a", headers={"X-Vault-Namespace": "/one/in/"}),
    Step("GET", "kv/a", headers={"X-Vault-Namespace": "none"}),
    Step("GET", "kv/a", headers=ONE, token="none"),
    Step("LIST", "one/kv"),
    Step("POST", "sys/policies/acl/p", {"policy": POLICY}, headers=ONE),
    Step("LIST", "sys/policies/acl", headers=ONE),
    Step("LIST", "sys/policies/acl", headers=IN),
    Step("POST", "auth/token/create", {"policies": ["p"]}, headers=ONE, keep={"t": "auth.client_token",
                                                                              "accessor": "auth.accessor"}),
    Step("POST", "auth/token/create", {}, headers=ONE),
    Step("POST", "auth/token/create", {"policies": ["root"]}, headers=ONE),
    *(Step("GET", path, token="{t}") for path in ("one/kv/a", "one/in/kv/a", "kv/a", "sys/mounts")),
    *(Step("GET", path, headers=ONE, token="{t}") for path in ("kv/a", "in/kv/a", "kv/b", "sys/mounts")),
    Step("GET", "kv/a", headers=IN, token="{t}"),
    Step("GET", "auth/token/lookup-self", headers=ONE, token="{t}"),
    Step("GET", "auth/token/lookup-self", token="{t}"),
    Step("GET", "auth/token/lookup-self", headers=ONE),
    Step("POST", "auth/token/lookup", {"token": "{t}"}),
    Step("POST", "auth/token/lookup-accessor", {"accessor": "{accessor}"}, headers=ONE),
    Step("POST", "auth/token/lookup-accessor", {"accessor": "{accessor}"}),
    Step("POST", "sys/policies/acl/outer", {"policy": OUTER}),
    Step("POST", "auth/token/create", {"policies": ["outer"]}, keep={"o": "auth.client_token"}),
    Step("GET", "kv/a", headers=ONE, token="{o}"),
    Step("GET", "kv/a", headers=IN, token="{o}"),
    Step("POST", "auth/token/create", {"policies": ["p"]}, headers=ONE, token="{o}"),
    Step("POST", "sys/capabilities-self", {"paths": ["kv/a", "in/kv/a", "one/kv/a"]}, headers=ONE, token="{t}"),
    Step("POST", "sys/capabilities-self", {"paths": ["kv/a", "one/kv/a"]}, token="{o}"),
    Step("GET", "sys/internal/ui/mounts/kv", headers=ONE, token="{t}"),
    Step("GET", "sys/internal/ui/namespaces", token="{o}"),
    Step("POST", "cubbyhole/a", {"x": "1"}, headers=ONE),
    Step("GET", "cubbyhole/a"),
    Step("GET", "cubbyhole/a", headers=ONE),
    *(Step("GET", path, headers=ONE) for path in ("sys/audit", "sys/config/cors", "sys/host-info", "sys/none")),
    Step("POST", "sys/seal", {}, headers=ONE),
    Step("GET", "sys/seal-status", headers=ONE),
    Step("POST", "sys/namespaces/api-lock/lock/one", {}, keep={"key": "data.unlock_key"}),
    Step("GET", "kv/a", headers=ONE),
    Step("GET", "one/in/kv/a"),
    Step("GET", "sys/namespaces/one"),
    Step("POST", "sys/namespaces/api-lock/lock/one", {}),
    Step("POST", "sys/namespaces/api-lock/unlock/one", {"unlock_key": "none"}),
    Step("POST", "sys/namespaces/api-lock/unlock/one", {"unlock_key": "{key}"}),
    Step("GET", "kv/a", headers=ONE),
    Step("DELETE", "sys/namespaces/one"),
    Step("DELETE", "sys/namespaces/in", headers=ONE),
    Step("DELETE", "sys/namespaces/none"),
)  # fmt: skip
ALIKE = r"^~\.data(\.key_info\.[^.]+)?\.id '\w{6}'|^~\.data\.unlock_key|, theirs '(s\.)?\w{24}\.\w{6}'$"
ON_PURPOSE = (
    (".*", ALIKE, "ids and keys are random"),
    ("(LIST|SCAN) ", r"~\.data\.keys", "theirs come in any order"),
    ("GET sys/internal/ui/mounts", r"options\.version", "the version is named when it is the default, too"),
    (
        "POST auth/token/lookup-accessor",
        r"^status 400, theirs 500",
        "an accessor elsewhere is no server error",
    ),
    ("GET kv/a", r"^status 403, theirs 404", "which namespaces there are is told to valid tokens only"),
    (
        "GET sys/(audit|config/cors|host-info)",
        r"^status 404, theirs 400",
        "not served there: unsupported path",
    ),
    ("POST sys/seal", r"^status 404, theirs 400", "not served there: unsupported path"),
    ("GET sys/seal-status", r"", "the seal's own conversation compares it"),
    ("DELETE sys/namespaces", r"^\+\.data\.job", "which job deletes it"),
)


@pytest.fixture(scope="module")
def ours() -> Iterator[Peer]:
    with peers.strongroom() as peer:
        yield peer


def test_answers_are_openbaos(ours: Peer, tmp_path: Path) -> None:
    differing = unexplained(TALK, ON_PURPOSE, ours, tmp_path)
    assert not differing, "\n".join(differing)


def test_hvac_works_inside_a_namespace(ours: Peer) -> None:
    outer = hvac.Client(ours.url, token=ours.token)
    outer.sys.create_namespace("hvac-team")
    assert "hvac-team/" in outer.sys.list_namespaces()["data"]["keys"]
    inner = hvac.Client(ours.url, token=ours.token, namespace="hvac-team")
    inner.sys.enable_secrets_engine("kv", "secret", options={"version": "2"})
    inner.secrets.kv.v2.create_or_update_secret("app", {"password": "x"})
    inner.sys.create_or_update_policy("app", 'path "secret/data/app" { capabilities = ["read"] }')
    inner.sys.enable_auth_method("approle")
    inner.auth.approle.create_or_update_approle("app", token_policies=["app"])
    role = inner.auth.approle.read_role_id("app")["data"]["role_id"]
    secret = inner.auth.approle.generate_secret_id("app")["data"]["secret_id"]
    app = hvac.Client(ours.url, namespace="hvac-team")
    app.auth.approle.login(role, secret)
    assert app.is_authenticated()
    read = app.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)
    assert read["data"]["data"] == {"password": "x"}
    with pytest.raises(exceptions.Forbidden):
        hvac.Client(ours.url, token=app.token).secrets.kv.v2.read_secret_version(
            "app", raise_on_deleted_version=True
        )
    outer.sys.delete_namespace("hvac-team")
    with pytest.raises((exceptions.Forbidden, exceptions.InvalidPath)):
        app.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)
    for client in (outer, inner, app):
        client.adapter.close()


def test_bao_works_inside_a_namespace(ours: Peer, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "BAO_ADDR": ours.url, "BAO_TOKEN": ours.token}

    def bao(*words: str, code: int = 0) -> str:
        ran = subprocess.run([BAO, *words], check=False, env=environment, capture_output=True, text=True)
        assert ran.returncode == code, ran.stderr
        return ran.stdout

    bao("namespace", "create", "-custom-metadata=cost=7", "bao-team")
    bao("namespace", "create", "-namespace=bao-team", "in")
    assert json.loads(bao("namespace", "list", "-format=json", "-namespace=bao-team")) == ["in/"]
    found = json.loads(bao("namespace", "lookup", "-format=json", "bao-team"))
    assert found["custom_metadata"] == {"cost": "7"}
    bao("namespace", "patch", "-custom-metadata=cost=8", "bao-team")
    bao("secrets", "enable", "-namespace=bao-team/in", "-path=kv", "-version=2", "kv")
    bao("kv", "put", "-namespace=bao-team/in", "-mount=kv", "app", "password=x")
    assert bao("kv", "get", "-namespace=bao-team/in", "-mount=kv", "-field=password", "app") == "x"
    assert bao("kv", "get", "-mount=bao-team/in/kv", "-field=password", "app") == "x"
    bao("kv", "get", "-mount=kv", "app", code=2)
    made = json.loads(bao("namespace", "lock", "-format=json", "bao-team"))
    bao("kv", "get", "-namespace=bao-team/in", "-mount=kv", "app", code=2)
    bao("namespace", "unlock", f"-unlock-key={made['unlock_key']}", "bao-team")
    bao("namespace", "delete", "-namespace=bao-team", "in")
    bao("kv", "get", "-namespace=bao-team/in", "-mount=kv", "app", code=2)
