"""Accounts on demand, on a real PostgreSQL."""

from typing import Any

import pytest

from strongroom.errors import InvalidRequest, NotFound, UpstreamFailed
from tests.engines.database.postgres import ADMIN, PASSWORD, Postgres
from tests.suites.house import House

pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

CREATE = """CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';
            GRANT pg_read_all_data TO "{{name}}";"""


async def prepare(house: House, pg: Postgres, **role: Any) -> None:
    await house.write("database/config/pg", pg.config())
    fields = {"db_name": "pg", "creation_statements": CREATE, "default_ttl": "1h", "max_ttl": "3h"}
    await house.write("database/roles/app", {**fields, **role})


async def issue(house: House, role: str = "app", **more: Any) -> tuple[str, str, str]:
    response = await house.read(f"database/creds/{role}", **more)
    assert response.lease is not None
    return response.data["username"], response.data["password"], response.lease.id


async def test_an_account_works_until_its_lease_is_revoked(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    username, password, lease = await issue(house)
    assert username.startswith("v-root-app-")
    assert pg.logs_in(username, password)
    await house.write("sys/leases/revoke", {"lease_id": lease})
    assert not pg.logs_in(username, password)
    assert pg.accounts() == set()


async def test_expiry_token_and_prefix_end_accounts(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    await house.write(
        "sys/policies/acl/db", {"policy": 'path "database/creds/*" { capabilities = ["read"] }'}
    )
    token = await house.token(policies=["db"])
    mine, _, _ = await issue(house, token=token)
    other, _, _ = await issue(house)
    await house.write("auth/token/revoke", {"token": token})
    assert pg.accounts() == {other}
    assert mine not in pg.accounts()
    house.clock.advance(3601)
    await house.core.expiry.sweep()
    assert pg.accounts() == set()
    for _ in range(3):
        await issue(house)
    await house.write("sys/leases/revoke-prefix/database/creds/app", {})
    assert pg.accounts() == set()


async def test_renewal_moves_the_expiry_in_the_database(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    username, _, lease = await issue(house)
    query = "SELECT extract(epoch FROM rolvaliduntil)::float8 FROM pg_roles WHERE rolname = %s"
    assert pg.ask(query, username) == [int(house.clock.now()) + 3605]
    house.clock.advance(3000)
    renewed = await house.write("sys/leases/renew", {"lease_id": lease})
    assert renewed.lease is not None
    assert renewed.lease.ttl == 3600
    assert pg.ask(query, username) == [int(house.clock.now()) + 3605]
    renewed = await house.write("sys/leases/renew", {"lease_id": lease, "increment": "24h"})
    assert renewed.lease is not None
    assert renewed.lease.ttl == 3 * 3600 - 3000


async def test_what_an_account_owns_stays_and_its_sessions_end(house: House, pg: Postgres) -> None:
    create = CREATE + 'GRANT CREATE ON SCHEMA public TO "{{name}}"'
    await prepare(house, pg, creation_statements=create)
    username, password, lease = await issue(house)
    with pg.connect(username, password) as session:
        session.execute("CREATE TABLE kept AS SELECT 1 AS a")
        await house.write("sys/leases/revoke", {"lease_id": lease})
        with pytest.raises(Exception, match="terminating connection"):
            session.execute("SELECT 1")
    assert pg.ask("SELECT a FROM kept") == [1]
    pg.ask("DROP TABLE kept")


async def test_nothing_is_left_of_statements_that_fail(house: House, pg: Postgres) -> None:
    await prepare(house, pg, creation_statements=CREATE + 'GRANT nobody_there TO "{{name}}"')
    with pytest.raises(UpstreamFailed, match="42704"):
        await issue(house)
    assert pg.accounts() == set()
    await house.core.expiry.sweep()
    assert (await house.read("sys/leases/count")).data["lease_count"] == 0


async def test_a_name_that_is_taken_keeps_its_account(house: House, pg: Postgres) -> None:
    await prepare(house, pg, creation_statements="CREATE ROLE somebody LOGIN")
    pg.ask("CREATE ROLE somebody")
    with pytest.raises(UpstreamFailed, match="already exists"):
        await issue(house)
    house.clock.advance(4000)
    await house.core.expiry.sweep()
    assert pg.accounts() == {"somebody"}


async def test_a_configured_password_is_never_given_out(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    shown = (await house.read("database/config/pg")).data
    assert PASSWORD not in str(shown)
    assert shown["connection_details"]["username"] == ADMIN
    await house.write("database/config/pg", {"allowed_roles": "other"})
    assert (await house.read("database/config/pg")).data["allowed_roles"] == ("other",)
    with pytest.raises(InvalidRequest, match="not an allowed role"):
        await issue(house)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://admin:s3cr%40et@db:5432/x?sslmode=require", "user=admin password=*****"),
        ("host=db user=admin password='s3cr@et' dbname=x", "user=admin password=*****"),
        ("postgresql://{{username}}:s3cr@et@db/x?password=s3cr%40et", "user={{username}} password=*****"),
        ("postgresql://root:s3cr@db/x?password={{password}}", "user=root password=*****"),
        ("host=db password=s3cr password={{password}}", "password=*****"),
        ("postgresql://{{username}}:{{password}}@db/x", "postgresql://{{username}}:{{password}}@db/x"),
    ],
)
async def test_a_password_in_the_url_is_hidden_and_warned_of(house: House, url: str, shown: str) -> None:
    sent = {"plugin_name": "postgresql-database-plugin", "connection_url": url, "verify_connection": False}
    written = await house.write("database/config/inline", sent)
    assert bool(written.warnings) == ("*****" in shown)
    seen = (await house.read("database/config/inline")).data["connection_details"]["connection_url"]
    assert shown in seen
    assert "s3cr" not in seen


async def test_a_connection_is_tried_before_it_is_kept(house: House, pg: Postgres) -> None:
    with pytest.raises(InvalidRequest, match="authentication failed") as refusal:
        await house.write("database/config/pg", pg.config(password="wrong-password"))
    assert "wrong-password" not in str(refusal.value)
    with pytest.raises(NotFound):
        await house.read("database/config/pg")
    await house.write("database/config/pg", pg.config(password="wrong", verify_connection=False))
    assert (await house.list("database/config")).data["keys"] == ["pg"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///postgres",
        "host=/var/run/postgresql dbname=x",
        "host=h sslrootcert=/etc/passwd",
        "host=h passfile=/etc/shadow",
        "service=x",
        "host=h options='-c statement_timeout=0'",
    ],
)
async def test_a_url_names_nothing_of_this_host(house: House, url: str) -> None:
    with pytest.raises(InvalidRequest):
        await house.write(
            "database/config/pg", {"plugin_name": "postgresql-database-plugin", "connection_url": url}
        )


async def test_certificates_that_would_not_be_used_are_refused(house: House, pg: Postgres) -> None:
    with pytest.raises(InvalidRequest, match="tls_ca is not supported"):
        await house.write("database/config/pg", pg.config(tls_ca="-----BEGIN CERTIFICATE-----"))


async def test_the_root_password_changes_to_one_nobody_knows(house: House, pg: Postgres) -> None:
    pg.ask("CREATE ROLE manager LOGIN CREATEROLE PASSWORD 'first-password'")
    await house.write("database/config/pg", pg.config(username="manager", password="first-password"))
    create = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"
    await house.write("database/roles/app", {"db_name": "pg", "creation_statements": [create]})
    await house.write("database/rotate-root/pg", {})
    assert not pg.logs_in("manager", "first-password")
    username, password, lease = await issue(house)
    assert pg.logs_in(username, password)
    await house.write("sys/leases/revoke", {"lease_id": lease})
    assert pg.accounts() == {"manager"}


async def test_hashed_before_it_is_sent(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    await house.write("database/config/pg", {"password_authentication": "scram-sha-256"})
    username, password, _ = await issue(house)
    assert pg.logs_in(username, password)


async def test_an_unreachable_database_is_tried_again_and_listed(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    username, password, lease = await issue(house)
    pg.stop()
    await house.write("sys/leases/revoke", {"lease_id": lease})
    for _ in range(8):
        await house.core.expiry.sweep()
        house.clock.advance(3700)
    listed = (await house.read("sys/leases", query={"type": "irrevocable"})).data
    assert [entry["lease_id"] for entry in listed["leases"]] == [lease]
    pg.start()
    assert pg.logs_in(username, password) is False or username in pg.accounts()
    await house.write("database/reset/pg", {})
    house.clock.advance(3700)
    await house.core.expiry.sweep()
    assert pg.accounts() == set()
