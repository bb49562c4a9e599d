"""Accounts on demand and static roles, on a real MariaDB."""

from typing import Any

import pymysql
import pytest

from strongroom.errors import InvalidRequest, UpstreamFailed
from tests.engines.database.mariadb import PASSWORD, MariaDB
from tests.suites.house import House

pytestmark = [pytest.mark.component("mariadb"), pytest.mark.slow]

CREATE = "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; GRANT SELECT ON *.* TO '{{name}}'@'%';"


async def prepare(house: House, maria: MariaDB, **role: Any) -> None:
    await house.write("database/config/my", maria.config())
    fields = {"db_name": "my", "creation_statements": CREATE, "default_ttl": "1h", "max_ttl": "3h"}
    await house.write("database/roles/app", {**fields, **role})


async def issue(house: House) -> tuple[str, str, str]:
    response = await house.read("database/creds/app")
    assert response.lease is not None
    return response.data["username"], response.data["password"], response.lease.id


async def test_an_account_works_until_its_lease_ends(house: House, maria: MariaDB) -> None:
    await prepare(house, maria)
    username, password, lease = await issue(house)
    assert len(username) <= 32
    session = maria.connect(username, password)
    await house.write("sys/leases/renew", {"lease_id": lease})
    house.clock.advance(3601)
    await house.core.expiry.sweep()
    assert not maria.logs_in(username, password)
    assert maria.accounts() == set()
    with pytest.raises(pymysql.Error), session.cursor() as cursor:
        cursor.execute("SELECT 1")
    session._force_close()  # type: ignore[attr-defined]  # the server has closed it


async def test_what_was_made_is_taken_back_when_a_statement_fails(house: House, maria: MariaDB) -> None:
    await prepare(house, maria, creation_statements=CREATE + "GRANT nobody_there TO '{{name}}'@'%'")
    with pytest.raises(UpstreamFailed):
        await issue(house)
    assert maria.accounts() == set()
    await house.core.expiry.sweep()
    assert (await house.read("sys/leases/count")).data["lease_count"] == 0


async def test_an_account_bound_to_a_host_ends_too(house: House, maria: MariaDB) -> None:
    create = "CREATE USER '{{name}}'@'127.0.0.1' IDENTIFIED BY '{{password}}'"
    await prepare(house, maria, creation_statements=create)
    username, password, lease = await issue(house)
    assert maria.logs_in(username, password)
    await house.write("sys/leases/revoke", {"lease_id": lease})
    assert maria.accounts() == set()


async def test_a_name_that_is_taken_keeps_its_account(house: House, maria: MariaDB) -> None:
    await prepare(house, maria, creation_statements="CREATE USER 'somebody'@'%'")
    maria.ask("CREATE USER 'somebody'@'%'")
    with pytest.raises(UpstreamFailed):
        await issue(house)
    house.clock.advance(4000)
    await house.core.expiry.sweep()
    assert maria.accounts() == {"somebody"}


async def test_static_role(house: House, maria: MariaDB) -> None:
    maria.ask("CREATE USER 'app'@'%' IDENTIFIED BY 'known-to-many'")
    await house.write("database/config/my", maria.config())
    await house.write(
        "database/static-roles/app", {"db_name": "my", "username": "app", "rotation_period": "1h"}
    )
    assert not maria.logs_in("app", "known-to-many")
    first = (await house.read("database/static-creds/app")).data["password"]
    assert maria.logs_in("app", first)
    await house.write("database/rotate-role/app", {})
    assert not maria.logs_in("app", first)
    assert maria.logs_in("app", (await house.read("database/static-creds/app")).data["password"])


async def test_the_root_password_changes(house: House, maria: MariaDB) -> None:
    maria.ask("CREATE USER 'manager'@'%' IDENTIFIED BY 'first-password'")
    maria.ask("GRANT CREATE USER, SELECT ON *.* TO 'manager'@'%' WITH GRANT OPTION")
    await house.write("database/config/my", maria.config(username="manager", password="first-password"))
    await house.write("database/roles/app", {"db_name": "my", "creation_statements": CREATE})
    await house.write("database/rotate-root/my", {})
    assert not maria.logs_in("manager", "first-password")
    username, password, lease = await issue(house)
    assert maria.logs_in(username, password)
    await house.write("sys/leases/revoke", {"lease_id": lease})
    assert maria.accounts() == {"manager"}


async def test_a_restart_of_the_database_is_survived(house: House, maria: MariaDB) -> None:
    await prepare(house, maria)
    await issue(house)
    maria.stop()
    maria.start()
    username, password, _ = await issue(house)
    assert maria.logs_in(username, password)


async def test_refusals_hold_no_password(house: House, maria: MariaDB) -> None:
    with pytest.raises(InvalidRequest, match="1045") as refusal:
        await house.write("database/config/my", maria.config(password="wrong-password"))
    assert "wrong-password" not in str(refusal.value)
    await house.write("database/config/my", maria.config())
    assert PASSWORD not in str((await house.read("database/config/my")).data)
    for url in (
        "x:y@unix(/run/mysqld/mysqld.sock)/",
        "x:y@tcp(h)/?tls=custom",
        "host=h",
        "x:y@tcp(h:1)/?a=b c",
    ):
        with pytest.raises(InvalidRequest):
            await house.write("database/config/other", maria.config(connection_url=url))


async def test_a_password_in_the_url_is_hidden_and_warned_of(house: House) -> None:
    url = "admin:s3cr@et@tcp(db:3306)/"
    sent = {"plugin_name": "mysql-database-plugin", "connection_url": url, "verify_connection": False}
    assert (await house.write("database/config/inline", sent)).warnings
    seen = (await house.read("database/config/inline")).data["connection_details"]["connection_url"]
    assert seen == "admin:*****@tcp(db:3306)/"
