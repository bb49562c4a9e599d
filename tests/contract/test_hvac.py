"""Unmodified `hvac` over loopback: every endpoint it has for what this server does."""

from collections.abc import Iterator
from typing import Any

import hvac
import pytest
from hvac import exceptions

from tests.contract.peers import Peer
from tests.server.process import Server, start

pytestmark = pytest.mark.slow


@pytest.fixture
def client(ours: Peer) -> Iterator[hvac.Client]:
    made = hvac.Client(ours.url, token=ours.token)
    yield made
    made.adapter.close()


@pytest.fixture
def mount(client: hvac.Client, request: pytest.FixtureRequest) -> str:
    """A fresh mount's name for each test."""
    return f"m-{abs(hash(request.node.name))}"


def test_kv_version_1(client: hvac.Client, mount: str) -> None:
    client.sys.enable_secrets_engine("kv", mount, options={"version": "1"})
    kv = client.secrets.kv.v1
    kv.create_or_update_secret("dir/a", {"v": "x"}, mount_point=mount)
    assert kv.read_secret("dir/a", mount_point=mount)["data"] == {"v": "x"}
    assert kv.list_secrets("", mount_point=mount)["data"]["keys"] == ["dir/"]
    assert kv.delete_secret("dir/a", mount_point=mount).status_code == 204
    with pytest.raises(exceptions.InvalidPath):
        kv.read_secret("dir/a", mount_point=mount)


@pytest.mark.filterwarnings("ignore:The raise_on_deleted_version:DeprecationWarning")
def test_kv_version_2(client: hvac.Client, mount: str) -> None:
    client.sys.enable_secrets_engine("kv", mount, options={"version": "2"})
    kv = client.secrets.kv.v2
    kv.configure(max_versions=5, cas_required=False, mount_point=mount)
    assert kv.read_configuration(mount)["data"]["max_versions"] == 5
    for number in (1, 2, 3):
        made = kv.create_or_update_secret("dir/a", {"v": number}, cas=number - 1, mount_point=mount)
        assert made["data"]["version"] == number
    with pytest.raises(exceptions.InvalidRequest):
        kv.create_or_update_secret("dir/a", {"v": 4}, cas=1, mount_point=mount)
    read = kv.read_secret_version("dir/a", version=2, mount_point=mount, raise_on_deleted_version=True)
    assert read["data"]["data"] == {"v": 2}
    kv.patch("dir/a", {"w": 1}, mount_point=mount)
    read = kv.read_secret("dir/a", mount_point=mount, raise_on_deleted_version=True)
    assert read["data"]["data"] == {"v": 3, "w": 1}
    assert kv.list_secrets("dir", mount_point=mount)["data"]["keys"] == ["a"]
    kv.delete_secret_versions("dir/a", [2], mount_point=mount)
    with pytest.raises(exceptions.InvalidPath):
        kv.read_secret_version("dir/a", version=2, mount_point=mount, raise_on_deleted_version=True)
    assert kv.undelete_secret_versions("dir/a", [2], mount_point=mount).status_code == 204
    assert kv.destroy_secret_versions("dir/a", [1], mount_point=mount).status_code == 204
    assert kv.delete_latest_version_of_secret("dir/a", mount_point=mount).status_code == 204
    gone = kv.read_secret_version("dir/a", mount_point=mount, raise_on_deleted_version=False)
    assert gone["data"]["data"] is None
    kv.update_metadata("dir/a", max_versions=9, custom_metadata={"k": "v"}, mount_point=mount)
    metadata = kv.read_secret_metadata("dir/a", mount_point=mount)["data"]
    assert metadata["custom_metadata"] == {"k": "v"}
    assert metadata["versions"]["1"]["destroyed"]
    assert kv.delete_metadata_and_all_versions("dir/a", mount_point=mount).status_code == 204


def test_tokens(client: hvac.Client) -> None:
    tokens = client.auth.token
    made = tokens.create(policies=["default"], ttl="1h", meta={"a": "b"}, display_name="x", num_uses=9)[
        "auth"
    ]
    assert tokens.lookup(made["client_token"])["data"]["meta"] == {"a": "b"}
    assert tokens.lookup_accessor(made["accessor"])["data"]["id"] == ""
    assert made["accessor"] in tokens.list_accessors()["data"]["keys"]
    assert tokens.renew(made["client_token"], increment="2h")["auth"]["lease_duration"] == 7200
    assert tokens.renew_accessor(made["accessor"])["auth"]["renewable"]
    orphan = tokens.create_orphan(policies=["default"])["auth"]
    assert tokens.lookup(orphan["client_token"])["data"]["orphan"]
    tokens.create_or_update_role("r", allowed_policies=["default"], orphan=True)
    assert tokens.read_role("r")["data"]["orphan"]
    assert "r" in tokens.list_roles()["data"]["keys"]
    assert tokens.create(role_name="r", policies=["default"])["auth"]["orphan"]
    assert tokens.delete_role("r").status_code == 204
    tokens.revoke_accessor(made["accessor"])
    with pytest.raises(exceptions.Forbidden):
        tokens.lookup(made["client_token"])
    tokens.revoke(orphan["client_token"])
    parent = tokens.create(policies=["root"], ttl="1h")["auth"]["client_token"]
    tokens.revoke_and_orphan_children(parent)
    own = hvac.Client(client.url, token=tokens.create(policies=["default"], ttl="1h")["auth"]["client_token"])
    assert own.is_authenticated()
    own.auth.token.renew_self(increment="30m")
    assert own.auth.token.lookup_self()["data"]["policies"] == ["default"]
    own.auth.token.revoke_self()
    assert not own.is_authenticated()
    own.adapter.close()


def test_policies(client: hvac.Client) -> None:
    text = 'path "secret/*" { capabilities = ["read"] }'
    client.sys.create_or_update_policy("p", text)
    assert client.sys.read_policy("p")["data"]["rules"] == text
    assert "p" in client.sys.list_policies()["data"]["policies"]
    client.sys.create_or_update_acl_policy("q", text)
    assert client.sys.read_acl_policy("q")["data"]["policy"] == text
    assert "q" in client.sys.list_acl_policies()["data"]["keys"]
    client.sys.delete_policy("p")
    client.sys.delete_acl_policy("q")
    assert client.get_policy("q") is None
    assert client.sys.get_capabilities(["secret/data/a"])["data"]["capabilities"] == ["root"]


def test_mounts(client: hvac.Client, mount: str) -> None:
    client.sys.enable_secrets_engine("kv", mount, description="d", config={"max_lease_ttl": "2h"})
    assert client.sys.list_mounted_secrets_engines()["data"][f"{mount}/"]["description"] == "d"
    client.sys.tune_mount_configuration(mount, default_lease_ttl="1h", description="e")
    tuned = client.sys.read_mount_configuration(mount)["data"]
    assert (tuned["default_lease_ttl"], tuned["description"]) == (3600, "e")
    client.sys.move_backend(mount, f"{mount}-2")
    client.sys.disable_secrets_engine(f"{mount}-2")
    client.sys.enable_auth_method("userpass", path=mount)
    assert f"{mount}/" in client.sys.list_auth_methods()["data"]
    client.sys.tune_auth_method(mount, default_lease_ttl="1h")
    assert client.sys.read_auth_method_tuning(mount)["data"]["default_lease_ttl"] == 3600
    client.sys.disable_auth_method(mount)


def test_userpass(client: hvac.Client, mount: str) -> None:
    client.sys.enable_auth_method("userpass", path=mount)
    userpass = client.auth.userpass
    userpass.create_or_update_user("ann", password="long-enough", policies="default", mount_point=mount)
    assert userpass.list_user(mount)["data"]["keys"] == ["ann"]
    assert userpass.read_user("ann", mount)["data"]["token_policies"] == ["default"]
    userpass.update_password_on_user("ann", "longer-still", mount_point=mount)
    with pytest.raises(exceptions.InvalidRequest):
        userpass.login("ann", "long-enough", use_token=False, mount_point=mount)
    assert userpass.login("ann", "longer-still", use_token=False, mount_point=mount)["auth"]["client_token"]
    userpass.delete_user("ann", mount_point=mount)


def test_approle(client: hvac.Client, mount: str) -> None:
    client.sys.enable_auth_method("approle", path=mount)
    approle, role = client.auth.approle, "app"
    approle.create_or_update_approle(role, token_policies="default", token_ttl="20m", mount_point=mount)
    assert approle.list_roles(mount)["data"]["keys"] == [role]
    assert approle.read_role(role, mount)["data"]["token_ttl"] == 1200
    approle.update_role_id(role, "chosen", mount_point=mount)
    assert approle.read_role_id(role, mount)["data"]["role_id"] == "chosen"
    secret = approle.generate_secret_id(role, metadata={"a": "b"}, mount_point=mount)["data"]
    assert approle.read_secret_id(role, secret["secret_id"], mount)["data"]["metadata"] == {"a": "b"}
    assert approle.list_secret_id_accessors(role, mount)["data"]["keys"] == [secret["secret_id_accessor"]]
    accessor = secret["secret_id_accessor"]
    assert approle.read_secret_id_accessor(role, accessor, mount)["data"]["metadata"] == {"a": "b"}
    entered = approle.login("chosen", secret["secret_id"], use_token=False, mount_point=mount)
    assert entered["auth"]["metadata"]["role_name"] == role
    approle.destroy_secret_id_accessor(role, accessor, mount_point=mount)
    with pytest.raises(exceptions.InvalidRequest):
        approle.login("chosen", secret["secret_id"], use_token=False, mount_point=mount)
    approle.create_custom_secret_id(role, "own-secret", mount_point=mount)
    approle.destroy_secret_id(role, "own-secret", mount_point=mount)
    wrapped = approle.generate_secret_id(role, wrap_ttl="60s", mount_point=mount)["wrap_info"]["token"]
    assert client.sys.unwrap(wrapped)["data"]["secret_id"]
    approle.delete_role(role, mount_point=mount)


def test_wrapping_and_cubbyhole(client: hvac.Client) -> None:
    wrapped = client.sys.wrap({"a": "b"}, ttl=60)["wrap_info"]["token"]
    assert client.sys.unwrap(wrapped)["data"] == {"a": "b"}
    with pytest.raises(exceptions.InvalidRequest):
        client.sys.unwrap(wrapped)
    client.write_data("cubbyhole/mine", data={"v": 1})
    assert client.read("cubbyhole/mine")["data"] == {"v": 1}
    assert client.list("cubbyhole")["data"]["keys"] == ["mine"]
    client.delete("cubbyhole/mine")
    assert client.read("cubbyhole/mine") is None


def test_leases(client: hvac.Client) -> None:
    with pytest.raises(exceptions.InvalidRequest):
        client.sys.read_lease("auth/none/1")
    with pytest.raises(exceptions.InvalidRequest):
        client.sys.renew_lease("auth/none/1")
    with pytest.raises(exceptions.InvalidPath):
        client.sys.list_leases("auth/none")
    client.sys.revoke_lease("auth/none/1")
    client.sys.revoke_prefix("auth/none")
    client.sys.revoke_force("auth/none")


def test_status(client: hvac.Client) -> None:
    assert client.sys.is_initialized()
    assert not client.sys.is_sealed()
    assert client.sys.read_health_status(method="GET")["initialized"]
    assert client.sys.read_leader_status()["ha_enabled"] is False
    assert client.key_status["term"] >= 1
    assert client.sys.list_enabled_audit_devices()["data"] is not None


def test_a_namespace_is_there_once_it_is_made(client: hvac.Client, ours: Peer) -> None:
    elsewhere = hvac.Client(ours.url, token=ours.token, namespace="team")
    with pytest.raises(exceptions.InvalidPath):
        elsewhere.secrets.kv.v2.create_or_update_secret("a", {"v": 1})
    client.sys.create_namespace("team")
    assert "cubbyhole/" in elsewhere.sys.list_mounted_secrets_engines()["data"]
    assert "team/" in client.sys.list_namespaces()["data"]["keys"]
    client.sys.delete_namespace("team")
    elsewhere.adapter.close()


@pytest.fixture
def sealed(tmp_path: Any) -> Iterator[Server]:
    settings = "[operator]\nunauthenticated_rekey = true\nunauthenticated_generate_root = true\n"
    config = tmp_path / "strongroom.toml"
    config.write_text(f'{settings}[audit]\napi_devices = true\nfile_directory = "{tmp_path}"\n')
    with start("--data", tmp_path / "data", "--config", config) as server:
        yield server


def test_the_operators_ceremonies(sealed: Server, tmp_path: Any) -> None:
    client = hvac.Client(f"http://127.0.0.1:{sealed.port}")
    assert not client.sys.is_initialized()
    keys = client.sys.initialize(secret_shares=3, secret_threshold=2)
    assert client.sys.submit_unseal_key(keys["keys"][0])["progress"] == 1
    assert client.sys.submit_unseal_key(reset=True)["progress"] == 0
    assert not client.sys.submit_unseal_keys(keys["keys"][:2])["sealed"]
    client.token = keys["root_token"]

    nonce = client.sys.start_rekey(secret_shares=2, secret_threshold=2)["nonce"]
    assert client.sys.read_rekey_progress()["started"]
    client.sys.cancel_rekey()
    nonce = client.sys.start_rekey(secret_shares=2, secret_threshold=2)["nonce"]
    done = client.sys.rekey_multi(keys["keys"][:2], nonce=nonce)
    assert done["complete"]

    attempt = client.sys.start_root_token_generation()
    assert client.sys.read_root_generation_progress()["started"]
    client.sys.cancel_root_generation()
    attempt = client.sys.start_root_token_generation()
    for key in done["keys"]:
        progress = client.sys.generate_root(key, attempt["nonce"])
    assert progress["complete"]

    client.sys.rotate_encryption_key()
    assert client.key_status["term"] == 2
    client.sys.enable_audit_device("file", path="lines", options={"file_path": str(tmp_path / "a.log")})
    assert "lines/" in client.sys.list_enabled_audit_devices()["data"]
    assert client.sys.calculate_hash("lines", "x")["data"]["hash"].startswith("hmac-sha256:")
    client.sys.disable_audit_device("lines")
    client.sys.seal()
    assert client.sys.is_sealed()
    assert client.sys.read_seal_status()["t"] == 2
    assert not client.sys.submit_unseal_keys(done["keys"])["sealed"]
    client.adapter.close()
