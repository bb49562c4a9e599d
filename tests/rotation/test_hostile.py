"""Hostile names, statements and passwords of rotated roles inject nothing."""

import pytest

from strongroom.errors import InvalidRequest, NotFound
from tests.engines.database.mariadb import MariaDB
from tests.engines.database.postgres import Postgres
from tests.rotation.house import House
from tests.rotation.test_crash import BOTH, refused

NAMES = [
    'a"; DROP ROLE admin; --',
    "a'; DROP USER admin; --",
    "a\\'; SELECT 1; --",
    "a`b",
    "$$ a",
    "{{password}}",
    "a%s b",
    "Ünï ☃",
]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Postgres | MariaDB:
    found: Postgres | MariaDB = request.getfixturevalue(request.param)
    return found


def make(server: Postgres | MariaDB) -> str:
    if isinstance(server, Postgres):
        return "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'"
    return "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("server", BOTH, indirect=True)
async def test_a_hostile_name_is_a_name(house: House, server: Postgres | MariaDB, name: str) -> None:
    """Both accounts are made, take turns and end, whatever they are called."""
    users = [name, f"{name}2"]
    await house.write(
        "sys/policies/password/odd", {"policy": 'length = 12\nrule "charset" { charset = "\'\\"\\\\`;$-" }'}
    )
    await house.write("database/config/main", server.config(password_policy="odd"))
    role = {"db_name": "main", "default_ttl": "1h", "creation_statements": make(server)}
    await house.write("database/roles/first", role)
    first = (await house.read("database/creds/first")).data["username"]
    static = {"db_name": "main", "username": first, "rotation_period": "24h"}
    await house.write("database/static-roles/app", static)
    target = {
        "kind": "database",
        "role": "database/static-roles/app",
        "users": users,
        "creation_statements": [make(server)],
    }
    await house.write("rotation/plans/app", {"target": target, "grace": 5, "settle": 0})
    for turn in range(3):
        old = (await house.read("database/static-creds/app")).data
        await house.until(await house.rotate("app"), "done")
        new = (await house.read("database/static-creds/app")).data
        assert new["username"] == users[turn % 2]
        assert server.logs_in(new["username"], new["password"])
        assert refused(server, old["username"], old["password"])
    assert server.accounts() == {first, *users}


@pytest.mark.parametrize("server", BOTH, indirect=True)
@pytest.mark.parametrize(
    "target",
    [
        {"users": ["one", "one"]},
        {"users": ["one", ""]},
        {"users": ["one", "x" * 200]},
        {"users": ["one", "two\0"]},
        {"users": ["one"]},
        {"users": ["one", "two"], "creation_statements": ["CREATE ROLE '{{name}}"]},
        {"users": ["nobody_a", "nobody_b"]},
        {"role": "database/static-roles/none"},
        {"role": "database/roles/app"},
        {"role": "kv/data/app"},
    ],
)
async def test_a_pair_that_cannot_take_turns_is_refused(
    house: House, server: Postgres | MariaDB, target: dict[str, object]
) -> None:
    role = {"db_name": "main", "default_ttl": "1h", "creation_statements": make(server)}
    await house.write("database/config/main", server.config())
    await house.write("database/roles/first", role)
    first = (await house.read("database/creds/first")).data["username"]
    static = {"db_name": "main", "username": first, "rotation_period": "24h"}
    await house.write("database/static-roles/app", static)
    whole = {"kind": "database", "role": "database/static-roles/app", **target}
    with pytest.raises((InvalidRequest, NotFound)):
        await house.write("rotation/plans/app", {"target": whole})
    assert (await house.read("database/static-roles/app")).data.get("rotation_plan") is None
