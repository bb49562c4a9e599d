"""Every method and path that Vault's clients use on these engines answers, with Vault's status for a valid call.

`surface.txt` lists the pairs. The pairs of later features are named below with the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contract import peers
from tests.contract.peers import Peer

pytestmark = pytest.mark.slow

SURFACE = [line.split() for line in (Path(__file__).parent / "surface.txt").read_text().splitlines()]
MERGE = {"Content-Type": "application/merge-patch+json"}
LATER = {
    "sys/internal/ui/mounts": "a preflight of browsers; CORS answers it",
}
NAMES = {
    "{kv1}": "one",
    "{kv2}": "two",
    "{approle}": "approle",
    "{userpass}": "userpass",
    "{role_name}": "app",
    "{username}": "ann",
    "{urlalgorithm}": "sha2-256",
    "{urlbytes}": "16",
    "{prefix}": "auth/token/create",
}


@dataclass(frozen=True)
class Valid:
    """A valid call of a pair: what is sent, where it differs from the default, and the status of success."""

    status: int
    body: Any = None
    path: str = ""
    wrap: str = ""


OK, EMPTY, NOTHING = 200, 204, 404
VALID: dict[str, Valid] = {
    "GET auth/token/roles/{role_name}": Valid(OK),
    "GET sys/audit": Valid(OK),
    "GET sys/namespaces/{path}": Valid(OK, path="sys/namespaces/team"),
    "GET sys/plugins/catalog/{name}": Valid(OK, path="sys/plugins/catalog/secret/kv"),
    "GET sys/policies/acl/{name}": Valid(OK, path="sys/policies/acl/default"),
    "GET sys/policy/{name}": Valid(OK, path="sys/policy/default"),
    "GET sys/auth/{path}/tune": Valid(OK, path="sys/auth/approle/tune"),
    "GET sys/mounts/{path}": Valid(OK, path="sys/mounts/one"),
    "GET sys/mounts/{path}/tune": Valid(OK, path="sys/mounts/one/tune"),
    "GET sys/internal/ui/mounts/{path}": Valid(OK, path="sys/internal/ui/mounts/one/a"),
    "GET sys/rekey/backup": Valid(400),
    "GET sys/quotas/rate-limit/{name}": Valid(OK, path="sys/quotas/rate-limit/all"),
    "GET sys/remount/status/{migration_id}": Valid(OK, path="sys/remount/status/{migration}"),
    "GET {kv2}/{path}": Valid(NOTHING),
    "GET cubbyhole/{path}": Valid(OK),
    "POST auth/token/create": Valid(OK, {"policies": ["default"]}),
    "POST auth/token/create-orphan": Valid(OK, {"policies": ["default"]}),
    "POST auth/token/create/{role_name}": Valid(OK, {}),
    "POST auth/token/lookup": Valid(OK, {"token": "{child}"}),
    "POST auth/token/lookup-accessor": Valid(OK, {"accessor": "{accessor}"}),
    "POST auth/token/renew": Valid(OK, {"token": "{child}"}),
    "POST auth/token/renew-accessor": Valid(OK, {"accessor": "{accessor}"}),
    "POST auth/token/renew-self": Valid(OK, {}, "auth/token/renew-self as {child}"),
    "POST auth/token/revoke": Valid(EMPTY, {"token": "{child}"}),
    "POST auth/token/revoke-accessor": Valid(EMPTY, {"accessor": "{accessor}"}),
    "POST auth/token/revoke-orphan": Valid(EMPTY, {"token": "{child}"}),
    "POST auth/token/revoke-self": Valid(EMPTY, {}, "auth/token/revoke-self as {child}"),
    "POST auth/token/roles/{role_name}": Valid(EMPTY, {"allowed_policies": "default"}),
    "POST auth/{approle}/login": Valid(OK, {"role_id": "{role}", "secret_id": "{secret}"}),
    "POST auth/{approle}/role/{role_name}": Valid(EMPTY, {"token_policies": "default"}),
    "POST auth/{approle}/role/{role_name}/custom-secret-id": Valid(OK, {"secret_id": "{random}"}),
    "POST auth/{approle}/role/{role_name}/role-id": Valid(EMPTY, {"role_id": "{role}"}),
    "POST auth/{approle}/role/{role_name}/secret-id": Valid(OK, {}),
    "POST auth/{approle}/role/{role_name}/secret-id/lookup": Valid(OK, {"secret_id": "{secret}"}),
    "POST auth/{approle}/role/{role_name}/secret-id/destroy": Valid(EMPTY, {"secret_id": "{secret}"}),
    "POST auth/{approle}/role/{role_name}/secret-id-accessor/lookup": Valid(
        OK, {"secret_id_accessor": "{handle}"}
    ),
    "POST auth/{approle}/role/{role_name}/secret-id-accessor/destroy": Valid(
        EMPTY, {"secret_id_accessor": "{handle}"}
    ),
    "POST auth/{userpass}/login/{username}": Valid(OK, {"password": "long-enough"}),
    "POST auth/{userpass}/users/{username}": Valid(EMPTY, {"password": "long-enough"}),
    "POST auth/{userpass}/users/{username}/password": Valid(EMPTY, {"password": "long-enough"}),
    "POST cubbyhole/{path}": Valid(EMPTY, {"v": 1}),
    "POST sys/audit-hash/{path}": Valid(OK, {"input": "x"}, "sys/audit-hash/lines"),
    "POST sys/audit/{path}": Valid(
        EMPTY, {"type": "file", "options": {"file_path": "{file}"}}, "sys/audit/{random}"
    ),
    "POST sys/auth/{path}": Valid(EMPTY, {"type": "userpass"}, "sys/auth/{random}"),
    "POST sys/auth/{path}/tune": Valid(EMPTY, {"max_lease_ttl": "2h"}, "sys/auth/approle/tune"),
    "POST sys/capabilities": Valid(OK, {"token": "{child}", "paths": ["a"]}),
    "POST sys/capabilities-accessor": Valid(OK, {"accessor": "{accessor}", "paths": ["a"]}),
    "POST sys/capabilities-self": Valid(OK, {"paths": ["a"]}),
    "POST sys/config/cors": Valid(EMPTY, {"allowed_origins": "https://a.example"}),
    "POST sys/generate-root-token/attempt": Valid(OK, {}),
    "POST sys/generate-root-token/update": Valid(400, {"key": "00", "nonce": "none"}),
    "POST sys/generate-root/attempt": Valid(OK, {}),
    "POST sys/generate-root/update": Valid(400, {"key": "00", "nonce": "none"}),
    "POST sys/init": Valid(400, {"secret_shares": 1, "secret_threshold": 1}),
    "POST sys/leases/lookup": Valid(400, {"lease_id": "auth/none"}),
    "POST sys/leases/renew": Valid(400, {"lease_id": "auth/none"}),
    "POST sys/leases/revoke": Valid(EMPTY, {"lease_id": "auth/none"}),
    "POST sys/leases/revoke-force/{prefix}": Valid(EMPTY, {}),
    "POST sys/leases/revoke-prefix/{prefix}": Valid(EMPTY, {}),
    "POST sys/leases/revoke/{url_lease_id}": Valid(EMPTY, {}, "sys/leases/revoke/auth/none"),
    "POST sys/leases/tidy": Valid(202, {}),
    "LIST sys/leases/lookup/{prefix}": Valid(OK),
    "POST sys/mounts/{path}": Valid(EMPTY, {"type": "kv"}, "sys/mounts/{random}"),
    "POST sys/mounts/{path}/tune": Valid(EMPTY, {"max_lease_ttl": "2h"}, "sys/mounts/one/tune"),
    "POST sys/namespaces/{path}": Valid(OK, {}, "sys/namespaces/{random}"),
    "PATCH sys/namespaces/{path}": Valid(OK, {"custom_metadata": {"a": "b"}}, "sys/namespaces/team"),
    "DELETE sys/namespaces/{path}": Valid(OK, path="sys/namespaces/{random}"),
    "POST sys/policies/acl/{name}": Valid(
        EMPTY, {"policy": 'path "a" { capabilities = ["read"] }'}, "sys/policies/acl/p"
    ),
    "POST sys/policy/{name}": Valid(
        EMPTY, {"policy": 'path "a" { capabilities = ["read"] }'}, "sys/policy/p"
    ),
    "POST sys/quotas/rate-limit/{name}": Valid(EMPTY, {"rate": 10000}, "sys/quotas/rate-limit/{random}"),
    "POST sys/rekey/init": Valid(OK, {"secret_shares": 1, "secret_threshold": 1}),
    "POST sys/rekey/update": Valid(400, {"key": "00", "nonce": "none"}),
    "POST sys/rekey/verify": Valid(400, {"key": "00", "nonce": "none"}),
    "POST sys/remount": Valid(OK, {"from": "{mount}", "to": "{random}"}),
    "POST sys/rotate": Valid(EMPTY, {}),
    "POST sys/rotate/keyring": Valid(EMPTY, {}),
    "POST sys/rotate/root/init": Valid(OK, {"secret_shares": 1, "secret_threshold": 1}),
    "POST sys/rotate/root/update": Valid(400, {"key": "00", "nonce": "none"}),
    "POST sys/seal": Valid(403, {}, "sys/seal as {child}"),
    "POST sys/tools/hash/{urlalgorithm}": Valid(OK, {"input": "YQ=="}),
    "POST sys/tools/random/{urlbytes}": Valid(OK, {}),
    "POST sys/unseal": Valid(400, {"reset": True}),
    "POST sys/wrapping/lookup": Valid(OK, {"token": "{wrap}"}),
    "POST sys/wrapping/rewrap": Valid(OK, {"token": "{wrap}"}),
    "POST sys/wrapping/unwrap": Valid(OK, {"token": "{wrap}"}),
    "POST sys/wrapping/wrap": Valid(OK, {"a": "b"}, wrap="60s"),
    "LIST {kv1}": Valid(OK),
    "LIST {kv1}/{path}": Valid(OK, path="one/dir"),
    "POST {kv1}/{path}": Valid(EMPTY, {"v": 1}, "one/written"),
    "LIST {kv2}/{path}": Valid(NOTHING),
    "LIST {kv2}/metadata/{path}": Valid(OK, path="two/metadata/dir"),
    "SCAN {kv2}/metadata/{path}": Valid(OK, path="two/metadata/dir"),
    "POST {kv2}/config": Valid(EMPTY, {"max_versions": 5}),
    "POST {kv2}/data/{path}": Valid(OK, {"data": {"v": 1}}, "two/data/written"),
    "POST {kv2}/delete/{path}": Valid(EMPTY, {"versions": [1]}, "two/delete/{random}"),
    "POST {kv2}/undelete/{path}": Valid(EMPTY, {"versions": [1]}, "two/undelete/{random}"),
    "POST {kv2}/destroy/{path}": Valid(EMPTY, {"versions": [1]}, "two/destroy/{random}"),
    "POST {kv2}/metadata/{path}": Valid(EMPTY, {"max_versions": 4}, "two/metadata/written"),
    "PATCH {kv1}/{path}": Valid(405, {"v": 2}),
    "PATCH {kv2}/data/{path}": Valid(OK, {"data": {"w": 1}}),
    "PATCH {kv2}/metadata/{path}": Valid(EMPTY, {"max_versions": 6}),
    "DELETE auth/token/roles/{role_name}": Valid(EMPTY, path="auth/token/roles/{random}"),
    "DELETE auth/{approle}/role/{role_name}": Valid(EMPTY, path="auth/approle/role/{random}"),
    "DELETE auth/{userpass}/users/{username}": Valid(EMPTY, path="auth/userpass/users/{random}"),
    "DELETE sys/rekey/verify": Valid(400),
    "DELETE sys/audit/{path}": Valid(EMPTY, path="sys/audit/{random}"),
    "DELETE sys/auth/{path}": Valid(EMPTY, path="sys/auth/{random}"),
    "DELETE sys/mounts/{path}": Valid(EMPTY, path="sys/mounts/{random}"),
    "DELETE sys/quotas/rate-limit/{name}": Valid(EMPTY, path="sys/quotas/rate-limit/{random}"),
    "DELETE sys/policies/acl/{name}": Valid(EMPTY, path="sys/policies/acl/{random}"),
    "DELETE sys/policy/{name}": Valid(EMPTY, path="sys/policy/{random}"),
    "DELETE {kv1}/{path}": Valid(EMPTY, path="one/{random}"),
    "DELETE {kv2}/data/{path}": Valid(EMPTY, path="two/data/{random}"),
    "DELETE {kv2}/metadata/{path}": Valid(EMPTY, path="two/metadata/{random}"),
}
DEFAULTS = {"GET": OK, "HEAD": OK, "LIST": OK, "DELETE": EMPTY}


class World:
    """A server with one of everything, and fresh tokens for each call."""

    def __init__(self, peer: Peer, files: Path) -> None:
        self.peer = peer
        self._files = files
        self._count = 0
        self._do("sys/mounts/one", {"type": "kv", "options": {"version": "1"}})
        self._do("sys/mounts/two", {"type": "kv", "options": {"version": "2"}})
        self._do("sys/mounts/moved", {"type": "kv"})
        self._do("sys/namespaces/team", {})
        self._do("sys/quotas/rate-limit/all", {"rate": 10000})
        self._do("sys/auth/approle", {"type": "approle"})
        self._do("sys/auth/userpass", {"type": "userpass"})
        self._do("sys/audit/lines", {"type": "file", "options": {"file_path": str(files / "lines.log")}})
        self._do("auth/approle/role/app", {"token_policies": "default"})
        self._do("auth/userpass/users/ann", {"password": "long-enough"})
        self._do("auth/token/roles/app", {"allowed_policies": "default"})
        for path in ("a", "dir/b"):
            self._do(f"one/{path}", {"v": 1})
            self._do(f"cubbyhole/{path}", {"v": 1})
            self._do(f"two/data/{path}", {"data": {"v": 1}})
        self.role = self.peer.call("GET", "auth/approle/role/app/role-id").body["data"]["role_id"]
        self.migration = self._do("sys/remount", {"from": "moved", "to": "there"})["migration_id"]

    def _do(self, path: str, body: Any, wrap: str = "") -> Any:
        answer = self.peer.call("POST", path, body, headers={"X-Vault-Wrap-TTL": wrap} if wrap else {})
        assert answer.status in (OK, EMPTY), (path, answer)
        return answer.body

    def fresh(self) -> dict[str, str]:
        """Names for one call: a child token, a wrapping token, a secret id, a mount, a name nobody has."""
        self._count += 1
        self._do(f"sys/mounts/mount-{self._count}", {"type": "kv"})
        child = self._do("auth/token/create", {"policies": ["default"], "ttl": "1h"})["auth"]
        secret = self._do("auth/approle/role/app/secret-id", {})["data"]
        return {
            "child": child["client_token"],
            "accessor": child["accessor"],
            "wrap": self._do("sys/wrapping/wrap", {"a": "b"}, "60s")["wrap_info"]["token"],
            "secret": secret["secret_id"],
            "handle": secret["secret_id_accessor"],
            "role": self.role,
            "migration": self.migration,
            "mount": f"mount-{self._count}",
            "random": f"new-{self._count}",
            "file": str(self._files / f"{self._count}.log"),
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("surface")
    config = directory / "strongroom.toml"
    config.write_text(f'[audit]\napi_devices = true\nfile_directory = "{directory}"\n')
    with peers.strongroom("--config", config) as peer:
        yield World(peer, directory)


def is_later(path: str) -> bool:
    return any(path.startswith(start) for start in LATER)


NOW = [
    (method, path)
    for method, path in SURFACE
    if not (is_later(path) and (method == "DELETE" or "ui/mounts" not in path))
]


@pytest.mark.parametrize(("method", "path"), NOW, ids=str)
def test_a_valid_call_answers_as_vault_does(method: str, path: str, world: World) -> None:
    call = VALID.get(f"{method} {path}") or Valid(DEFAULTS[method])
    names = world.fresh()
    concrete = call.path or path
    for name, value in NAMES.items():
        concrete = concrete.replace(name, value)
    concrete, _, token = concrete.replace("{path}", "a").format_map(names).partition(" as ")
    answer = world.peer.call(
        method,
        concrete,
        _filled(call.body, names),
        token=token or None,
        headers=(MERGE if method == "PATCH" else {}) | ({"X-Vault-Wrap-TTL": call.wrap} if call.wrap else {}),
    )
    assert answer.status == call.status, answer.body
    for ceremony in ("sys/rekey/init", "sys/generate-root/attempt"):
        world.peer.call("DELETE", ceremony)


def _filled(body: Any, names: dict[str, str]) -> Any:
    if isinstance(body, dict):
        return {name: _filled(member, names) for name, member in body.items()}
    return body.format_map(names) if isinstance(body, str) and body.startswith("{") else body


def test_what_is_left_for_later_is_little() -> None:
    later = {f"{method} {path}" for method, path in SURFACE if (method, path) not in NOW}
    assert later == {
        "DELETE sys/internal/ui/mounts",
    }
