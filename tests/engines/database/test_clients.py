"""Unmodified `hvac` and `bao` against a running server and real databases."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest

from tests.contract import peers
from tests.contract.peers import BAO, Peer
from tests.engines.database.mariadb import MariaDB
from tests.engines.database.postgres import Postgres

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]
CREATE = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';"


@pytest.fixture(scope="module")
def ours() -> Iterator[Peer]:
    with peers.strongroom() as peer:
        yield peer


@pytest.fixture
def client(ours: Peer) -> Iterator[hvac.Client]:
    made = hvac.Client(ours.url, token=ours.token)
    made.sys.enable_secrets_engine("database")
    yield made
    made.sys.disable_secrets_engine("database")
    made.adapter.close()


def configure(client: hvac.Client, pg: Postgres, **more: object) -> None:
    settings = pg.config(**more)
    client.secrets.database.configure("pg", settings.pop("plugin_name"), **settings)


def test_hvac_dynamic(client: hvac.Client, pg: Postgres) -> None:
    database = client.secrets.database
    configure(client, pg, allowed_roles=["app"])
    assert database.list_connections()["data"]["keys"] == ["pg"]
    assert "password" not in database.read_connection("pg")["data"]["connection_details"]
    database.create_role("app", "pg", [CREATE], default_ttl="1h", max_ttl="24h")
    assert database.read_role("app")["data"]["default_ttl"] == 3600
    assert database.list_roles()["data"]["keys"] == ["app"]
    issued = database.generate_credentials("app")
    assert issued["lease_duration"] == 3600
    assert issued["renewable"]
    username, password = issued["data"]["username"], issued["data"]["password"]
    assert pg.logs_in(username, password)
    assert client.sys.renew_lease(issued["lease_id"], 7200)["lease_duration"] == 7200
    client.sys.revoke_lease(issued["lease_id"])
    assert not pg.logs_in(username, password)
    database.reset_connection("pg")
    database.delete_role("app")
    database.delete_connection("pg")


def test_disabling_the_mount_ends_every_account(client: hvac.Client, pg: Postgres) -> None:
    database = client.secrets.database
    configure(client, pg)
    database.create_role("app", "pg", [CREATE])
    for _ in range(3):
        database.generate_credentials("app")
    assert len(pg.accounts()) == 3
    client.sys.disable_secrets_engine("database")
    assert pg.accounts() == set()


def test_hvac_static(client: hvac.Client, pg: Postgres) -> None:
    database = client.secrets.database
    pg.ask("CREATE ROLE fixed LOGIN")
    configure(client, pg)
    database.create_static_role("fixed", "pg", "fixed", [], rotation_period=86400)
    assert database.list_static_roles()["data"]["keys"] == ["fixed"]
    assert database.read_static_role("fixed")["data"]["rotation_period"] == 86400
    first = database.get_static_credentials("fixed")["data"]["password"]
    assert pg.logs_in("fixed", first)
    database.rotate_static_role_credentials("fixed")
    assert not pg.logs_in("fixed", first)
    database.delete_static_role("fixed")


@pytest.mark.component("mariadb")
def test_bao(client: hvac.Client, ours: Peer, maria: MariaDB, tmp_path: Path) -> None:
    environment = {**os.environ, "BAO_ADDR": ours.url, "BAO_TOKEN": ours.token, "HOME": str(tmp_path)}

    def bao(*words: str) -> dict[str, object]:
        command = [str(BAO), words[0], "-format=json", *words[1:]]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        return dict(json.loads(run.stdout)) if run.stdout.lstrip().startswith("{") else {}

    policy = tmp_path / "policy.hcl"
    policy.write_text('length = 16\nrule "charset" {\n  charset = "abcdef"\n  min-chars = 2\n}\n', "utf-8")
    bao("write", "sys/policies/password/letters", f"policy=@{policy}")
    config = maria.config(password_policy="letters")
    bao("write", "database/config/my", *(f"{key}={value}" for key, value in config.items()))
    create = "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}';"
    bao("write", "database/roles/app", "db_name=my", f"creation_statements={create}", "default_ttl=5m")
    issued = bao("read", "database/creds/app")
    data = issued["data"]
    assert isinstance(data, dict)
    assert set(data["password"]) <= set("abcdef")
    assert maria.logs_in(data["username"], data["password"])
    revoke = [str(BAO), "lease", "revoke", "-sync", str(issued["lease_id"])]
    subprocess.run(revoke, env=environment, check=True, capture_output=True)
    assert maria.accounts() == set()
