"""Leases of issued secrets, with an engine that counts what it issued and revoked."""

from typing import ClassVar

import pytest

from strongroom.errors import InvalidRequest, NotFound, PermissionDenied, UpstreamFailed
from strongroom.framework import Context, Engine, Fields, Lease, Nothing, Response, Route
from tests.suites.house import House


class Named(Fields, frozen=True):
    name: str


async def issue(ctx: Context, req: Named) -> Response:
    Issuer.alive.add(req.name)
    return Response.leased({"name": req.name}, ttl=100, max_ttl=300, name=req.name)


class Issuer(Engine):
    kind = "issuer"
    alive: ClassVar[set[str]] = set()
    down: ClassVar[bool] = False
    routes = (Route(path="creds/{name}", read=issue),)

    async def revoke(self, ctx: Context, lease: Lease) -> None:
        if Issuer.down:
            raise UpstreamFailed("the database does not answer")
        Issuer.alive.discard(lease.internal["name"])


@pytest.fixture
async def house() -> House:
    Issuer.alive.clear()
    Issuer.down = False
    made = await House.opened(engines={"issuer": Issuer()})
    await made.write("sys/mounts/db", {"type": "issuer"})
    await made.write("sys/policies/acl/db", {"policy": 'path "db/*" { capabilities = ["read"] }'})
    return made


async def lease(house: House, name: str, token: str = "root") -> str:
    response = await house.read(f"db/creds/{name}", token=token)
    assert response.lease is not None
    return response.lease.id


async def test_a_secret_is_revoked_when_its_time_comes(house: House) -> None:
    await lease(house, "a")
    house.clock.advance(101)
    await house.core.expiry.sweep()
    assert not Issuer.alive


async def test_lookup_renew_and_the_maximum(house: House) -> None:
    name = await lease(house, "a")
    assert name.startswith("db/creds/a/")
    house.clock.advance(90)
    renewed = await house.write("sys/leases/renew", {"lease_id": name, "increment": 500})
    assert renewed.lease is not None
    assert renewed.lease.ttl == 210
    found = (await house.write("sys/leases/lookup", {"lease_id": name})).data
    assert found["ttl"] == 210
    assert found["last_renewal"]
    house.clock.advance(211)
    with pytest.raises(InvalidRequest):
        await house.write("sys/leases/renew", {"lease_id": name})


async def test_revoke_by_id_path_and_prefix(house: House) -> None:
    first, second, _third, _fourth = [await lease(house, name) for name in "abcd"]
    await house.write("sys/leases/revoke", {"lease_id": first})
    await house.write(f"sys/leases/revoke/{second}", {})
    assert Issuer.alive == {"c", "d"}
    await house.write("sys/leases/revoke-prefix/db/creds/c", {})
    assert Issuer.alive == {"d"}
    await house.write("sys/leases/revoke-prefix/db", {})
    assert not Issuer.alive
    with pytest.raises(NotFound):
        await house.list("sys/leases/lookup/db/creds/a")


async def test_a_token_takes_its_secrets_along(house: House) -> None:
    token = await house.token(policies=["db"])
    await lease(house, "a", token)
    await house.write("auth/token/revoke", {"token": token})
    assert not Issuer.alive
    token = await house.token(policies=["db"], ttl="50s")
    await lease(house, "b", token)
    house.clock.advance(51)
    await house.core.expiry.sweep()
    await house.core.expiry.sweep()
    assert not Issuer.alive


async def test_a_failing_revocation_is_tried_again_listed_and_never_forgotten(house: House) -> None:
    name = await lease(house, "a")
    Issuer.down = True
    house.clock.advance(101)
    for _ in range(7):
        await house.core.expiry.sweep()
        house.clock.advance(4000)
    counted = (await house.read("sys/leases/count", query={"type": "irrevocable"})).data
    assert counted == {"lease_count": 1, "counts": {"db/": 1}}
    listed = (await house.read("sys/leases", query={"type": "irrevocable"})).data["leases"]
    assert listed[0]["lease_id"] == name
    assert listed[0]["error"] == "UpstreamFailed"
    Issuer.down = False
    await house.core.expiry.sweep()
    assert not Issuer.alive


async def test_back_off_waits_longer_each_time(house: House) -> None:
    await lease(house, "a")
    Issuer.down = True
    house.clock.advance(101)
    assert await house.core.expiry.sweep() == 1
    assert await house.core.expiry.sweep() == 0
    house.clock.advance(11)
    assert await house.core.expiry.sweep() == 1
    house.clock.advance(11)
    assert await house.core.expiry.sweep() == 0


async def test_force_drops_what_cannot_be_revoked(house: House) -> None:
    await lease(house, "a")
    Issuer.down = True
    await house.write("sys/leases/revoke-force/db/creds", {})
    assert (await house.read("sys/leases/count")).data["counts"].get("db/") is None


async def test_an_id_is_not_a_right(house: House) -> None:
    name = await lease(house, "a")
    other = await house.token(policies=["db"])
    with pytest.raises(PermissionDenied):
        await house.write("sys/leases/revoke", {"lease_id": name}, token=other)
    assert Issuer.alive == {"a"}


async def test_disabling_the_mount_revokes_first(house: House) -> None:
    await lease(house, "a")
    await house.delete("sys/mounts/db")
    assert not Issuer.alive
    with pytest.raises(NotFound):
        await house.read("db/creds/a")


async def test_fifty_thousand_due_at_once_are_swept_in_bounded_steps(house: House) -> None:
    for number in range(1000):
        await lease(house, f"n{number}")
    house.clock.advance(101)
    steps = 0
    while await house.core.expiry.sweep():
        steps += 1
    assert not Issuer.alive
    assert steps == 5


async def nothing(ctx: Context, req: Nothing) -> Response:
    return Response()
