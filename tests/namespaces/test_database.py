"""Secrets issued and passwords kept in a namespace, on a real PostgreSQL: they end, and change, as in the root."""

import time

import pytest

from strongroom.errors import RateLimited
from tests.engines.database.conftest import pg, postgres_server
from tests.engines.database.postgres import Postgres
from tests.namespaces.house import Tenants

__all__ = ["pg", "postgres_server"]
pytestmark = [pytest.mark.component("postgresql"), pytest.mark.slow]

MAKE = (
    "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'",
    'GRANT CONNECT ON DATABASE postgres TO "{{name}}"',
)


async def prepared(house: Tenants, pg: Postgres) -> None:
    house.clock.advance(time.time() - house.clock.now())  # the database has its own idea of now
    await house.write("sys/mounts/database", {"type": "database"}, namespace="a")
    await house.write("database/config/pg", pg.config(), namespace="a")
    role = {"db_name": "pg", "creation_statements": MAKE, "default_ttl": "1h"}
    await house.write("database/roles/app", role, namespace="a")


async def test_leases_of_a_namespace_are_renewed_ended_and_swept_in_it(house: Tenants, pg: Postgres) -> None:
    await prepared(house, pg)
    issued = [await house.read("database/creds/app", namespace="a") for _ in range(3)]
    names = [answer.data["username"] for answer in issued]
    leases = [answer.lease.id for answer in issued if answer.lease]
    assert all(lease.startswith("database/creds/app/") for lease in leases)
    assert {*names} <= {*pg.accounts()}
    renewed = await house.write("sys/leases/renew", {"lease_id": leases[0]}, namespace="a")
    assert renewed.lease is not None
    assert renewed.lease.id == leases[0]
    await house.write("sys/leases/revoke", {"lease_id": leases[0]}, namespace="a")
    assert names[0] not in pg.accounts()
    await house.write("sys/leases/revoke-prefix/database", {}, namespace="b")
    assert names[1] in pg.accounts()
    house.clock.advance(3601)
    await house.core.expiry.sweep()
    assert not {*names} & {*pg.accounts()}
    await house.core.seal()


async def test_deleting_a_namespace_ends_what_it_issued(house: Tenants, pg: Postgres) -> None:
    await prepared(house, pg)
    token = await house.tenant("a", 'path "database/creds/app" { capabilities = ["read"] }')
    issued = await house.read("database/creds/app", namespace="a", token=token)
    assert issued.data["username"] in pg.accounts()
    await house.delete("sys/namespaces/a", query={"recursive": "true"})
    await house.jobs()
    assert issued.data["username"] not in pg.accounts()
    assert not await house.core.barrier.begin().scan("expire/id/@")
    assert not await house.core.barrier.begin().scan("timed/")
    await house.core.seal()


async def test_passwords_of_a_namespace_change_when_due(house: Tenants, pg: Postgres) -> None:
    await prepared(house, pg)
    pg.ask("CREATE ROLE kept LOGIN PASSWORD 'known-to-many'")
    role = {"db_name": "pg", "username": "kept", "rotation_period": "1h"}
    await house.write("database/static-roles/kept", role, namespace="a")
    first = (await house.read("database/static-creds/kept", namespace="a")).data["password"]
    house.clock.advance(3601)
    (mount,) = await house.core.namespaces.keeping_time()
    assert mount.path == "database/"
    while await house.core.errands.attend(mount):
        pass
    second = (await house.read("database/static-creds/kept", namespace="a")).data["password"]
    assert second != first
    assert pg.logs_in("kept", second)
    await house.core.seal()


async def test_over_a_quota_nothing_is_made_outside(house: Tenants, pg: Postgres) -> None:
    await prepared(house, pg)
    await house.write("sys/quotas/lease-count/q", {"max_leases": 2, "path": "a/database"})
    made = [await house.read("database/creds/app", namespace="a") for _ in range(2)]
    with pytest.raises(RateLimited, match="'q' is used up"):
        await house.read("database/creds/app", namespace="a")
    assert {*pg.accounts()} == {answer.data["username"] for answer in made}
    lease = made[0].lease
    assert lease is not None
    await house.write("sys/leases/revoke", {"lease_id": lease.id}, namespace="a")
    await house.read("database/creds/app", namespace="a")
    assert (await house.read("sys/quotas/lease-count/q")).data["counter"] == 2
    await house.core.seal()
