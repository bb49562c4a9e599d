"""Names and values that try to be syntax, against both real databases: they stay names and values."""

from typing import Any

import pytest

from strongroom.engines.database.kinds import kind_of
from strongroom.engines.database.statements import check, filled, given
from strongroom.errors import InvalidRequest, StrongroomError, UpstreamFailed
from tests.engines.database.mariadb import MariaDB
from tests.engines.database.postgres import Postgres
from tests.suites.house import House

HOSTILE = (
    'x"; CREATE ROLE intruder; --',
    "x'; CREATE ROLE intruder; --",
    "x'@'%'; CREATE USER intruder; #",
    "$$; CREATE ROLE intruder; $$",
    "{{password}}",
    "{{name}}",
    "back\\slash\\",
    "a\\'; CREATE ROLE intruder; --",
    "quote''",
    "tick`; CREATE USER intruder; --",
    "line\nfeed",
    "/* open",
    "ünïcödé \u202e名前",
    "E'\\047",
    "%s %(name)s",
)
POSTGRESQL, MYSQL = "postgresql-database-plugin", "mysql-database-plugin"
CREATE = {
    POSTGRESQL: "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'",
    MYSQL: "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'",
}


async def prepare(house: House, database: Postgres | MariaDB, **role: Any) -> None:
    config = database.config()
    await house.write("database/config/db", config)
    create = {"db_name": "db", "creation_statements": CREATE[config["plugin_name"]]}
    await house.write("database/roles/app", {**create, **role})


async def take_over(house: House, database: Postgres | MariaDB, username: str) -> None:
    """A static role on a hostile account: its password changes, and nothing else happens."""
    before = database.accounts()
    await house.write(
        "database/static-roles/s", {"db_name": "db", "username": username, "rotation_period": "1h"}
    )
    creds = (await house.read("database/static-creds/s")).data
    assert database.logs_in(username, creds["password"])
    assert database.accounts() == before
    await house.delete("database/static-roles/s")


@pytest.mark.slow
@pytest.mark.component("postgresql")
@pytest.mark.parametrize("name", HOSTILE)
async def test_postgresql(house: House, pg: Postgres, name: str) -> None:
    await prepare(house, pg)
    with pg.connect() as connection:
        quoted = name.replace('"', '""')
        connection.execute(f'CREATE ROLE "{quoted}" LOGIN'.encode())
    await take_over(house, pg, name)
    token = await house.token(policies=["root"], display_name=name)
    response = await house.read("database/creds/app", token=token)
    assert pg.logs_in(response.data["username"], response.data["password"])
    assert "intruder" not in pg.accounts()
    assert response.lease is not None
    await house.write("sys/leases/revoke", {"lease_id": response.lease.id})
    assert pg.accounts() == {name}


@pytest.mark.slow
@pytest.mark.component("mariadb")
@pytest.mark.parametrize("name", HOSTILE)
async def test_mariadb(house: House, maria: MariaDB, name: str) -> None:
    await prepare(house, maria)
    maria.ask("CREATE USER %s@'%%'", name)
    await take_over(house, maria, name)
    token = await house.token(policies=["root"], display_name=name)
    response = await house.read("database/creds/app", token=token)
    assert maria.logs_in(response.data["username"], response.data["password"])
    assert "intruder" not in maria.accounts()
    assert response.lease is not None
    await house.write("sys/leases/revoke", {"lease_id": response.lease.id})
    assert maria.accounts() == {name}


@pytest.mark.slow
@pytest.mark.component("postgresql")
@pytest.mark.component("mariadb")
@pytest.mark.parametrize("plugin", [POSTGRESQL, MYSQL])
async def test_passwords_of_any_characters(house: House, pg: Postgres, maria: MariaDB, plugin: str) -> None:
    """A password policy may draw quotes, backslashes and dollars."""
    database = pg if plugin == POSTGRESQL else maria
    policy = 'length = 40\nrule "charset" { charset = "\'\\"\\\\$`;{}%-" }'
    await house.write("sys/policies/password/sharp", {"policy": policy})
    await prepare(house, database, credential_config={"password_policy": "sharp"})
    for _ in range(5):
        creds = (await house.read("database/creds/app")).data
        assert set(creds["password"]) <= set("'\"\\$`;{}%-")
        assert database.logs_in(creds["username"], creds["password"])
    await house.write("sys/leases/revoke-prefix/database", {})
    assert (await house.read("sys/leases")).data["leases"] == []
    assert database.accounts() == set()


@pytest.mark.slow
@pytest.mark.component("postgresql")
async def test_role_names_become_harmless_parts_of_user_names(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    fields = {"db_name": "db", "creation_statements": CREATE[POSTGRESQL]}
    for name in ('a"; DROP', "a'b", "$$", "{{name}}", "ünï"):
        await house.write(f"database/roles/{name}", fields)
        made = (await house.read(f"database/creds/{name}")).data["username"]
        assert made.isascii()
        assert set(made) - set("-._") <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        assert made in pg.accounts()


@pytest.mark.slow
@pytest.mark.component("postgresql")
async def test_code_inside_code(house: House, pg: Postgres) -> None:
    create = """DO $do$ BEGIN CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'; END $do$;
                -- a comment; with ' and {{name}}
                ALTER ROLE {{name}} VALID UNTIL '{{expiration}}' /* ; */"""
    await prepare(house, pg, creation_statements=create)
    creds = (await house.read("database/creds/app")).data
    assert pg.logs_in(creds["username"], creds["password"])
    policy = 'length = 20\nrule "charset" { charset = "$\'" }'
    await house.write("sys/policies/password/sharp", {"policy": policy})
    await house.write("database/roles/app", {"credential_config": {"password_policy": "sharp"}})
    with pytest.raises(InvalidRequest, match="nested"):
        await house.read("database/creds/app")


async def test_a_password_that_nested_code_cannot_take_is_drawn_again(house: House, pg: Postgres) -> None:
    policy = 'length = 20\nrule "charset" { charset = "abcdefghij-" }'  # a third of them cannot stand there
    await house.write("sys/policies/password/hyphens", {"policy": policy})
    create = """DO $do$ BEGIN CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'; END $do$"""
    await prepare(house, pg, creation_statements=create)
    await house.write("database/roles/app", {"credential_config": {"password_policy": "hyphens"}})
    for _ in range(12):
        creds = (await house.read("database/creds/app")).data
        assert pg.logs_in(creds["username"], creds["password"])


async def test_a_renewal_that_nested_code_cannot_take_is_not_recorded(house: House, pg: Postgres) -> None:
    await prepare(house, pg)
    pg.ask("CREATE ROLE steady LOGIN PASSWORD 'first'")
    change = """DO $do$ BEGIN ALTER ROLE "{{name}}" PASSWORD '{{password}}'; END $do$"""
    role = {"db_name": "db", "username": "steady", "rotation_period": 3600, "rotation_statements": change}
    await house.write("database/static-roles/steady", role)
    policy = 'length = 20\nrule "charset" { charset = "$\'" }'
    await house.write("sys/policies/password/sharp", {"policy": policy})
    sharp = {"credential_config": {"password_policy": "sharp"}}
    await house.write("database/static-roles/steady", {**role, **sharp})
    with pytest.raises(InvalidRequest, match="nested"):
        await house.write("database/rotate-role/steady", {})
    await house.write("database/static-roles/steady", {**role, "credential_config": {}})
    await house.write("database/rotate-role/steady", {})
    creds = (await house.read("database/static-creds/steady")).data
    assert pg.logs_in("steady", creds["password"])


@pytest.mark.parametrize("plugin", [POSTGRESQL, MYSQL])
def test_statements_are_split_as_the_database_reads_them(plugin: str) -> None:
    dialect = kind_of(plugin).dialect
    values = {"name": "n", "username": "n", "password": "p;'", "expiration": "e"}
    text = "SELECT 'a;b'; SELECT 2 /* ; ' */; ;\n-- x;\nSELECT '{{password}}'"
    made = filled([text], values, dialect)
    assert made[:2] == ["SELECT 'a;b'", "SELECT 2"]
    assert made[2] in ("SELECT 'p;'''", "SELECT 'p;\\''")
    assert len(made) == 3


@pytest.mark.parametrize("plugin", [POSTGRESQL, MYSQL])
@pytest.mark.parametrize("text", ["SELECT 'x", 'SELECT "x', "SELECT /* x", "SELECT '\0'"])
def test_what_does_not_end_is_refused(plugin: str, text: str) -> None:
    with pytest.raises(InvalidRequest):
        check([text], kind_of(plugin).dialect)


@pytest.mark.parametrize(
    ("plugin", "text"),
    [
        (POSTGRESQL, "SELECT $a$ x $b$"),
        (POSTGRESQL, "SELECT E'x\\'"),
        (POSTGRESQL, "/* /* */"),
        (MYSQL, "/*! DROP TABLE x */"),
        (MYSQL, "/*M! DROP TABLE x */"),
        (MYSQL, "SELECT `x"),
        (MYSQL, "SELECT 'x\\'"),
    ],
)
def test_each_database_has_its_own_words(plugin: str, text: str) -> None:
    with pytest.raises(InvalidRequest):
        check([text], kind_of(plugin).dialect)


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        (["A", " ", "B"], ("A", "B")),
        (['["A", "B"]'], ("A", "B")),
        (["WyJBIiwgIkIiXQ=="], ("A", "B")),
        (["RFJPUCBST0xFIHg7"], ("DROP ROLE x;",)),
        (["[not json"], ("[not json",)),
    ],
)
def test_the_forms_statements_come_in(sent: list[str], understood: tuple[str, ...]) -> None:
    assert given(sent) == understood


@pytest.mark.slow
@pytest.mark.component("postgresql")
async def test_a_refusal_does_not_quote_the_password(house: House, pg: Postgres) -> None:
    for create in (
        "CREATE ROLE \"{{name}}\" PASSWORD PASSWORD '{{password}}'",
        "SELECT '{{password}}'::int",
        "DO $$ BEGIN RAISE EXCEPTION '{{password}}'; END $$",
    ):
        await prepare(house, pg, creation_statements=create)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("strongroom.core.passwords.passwords.generate", lambda _: "Remembered-Pass-1")
            with pytest.raises(StrongroomError) as refusal:
                await house.read("database/creds/app")
        assert isinstance(refusal.value, UpstreamFailed)
        assert "Remembered" not in str(refusal.value)
