"""Lease count quotas: exact, whatever comes between, and still so after a restart."""

import asyncio

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from strongroom.core import leases
from strongroom.core.quotas import counts
from strongroom.errors import InvalidRequest, NotFound, RateLimited
from strongroom.system.ceremonies import Permissions
from tests.namespaces.house import Tenants, text_of
from tests.suites.house import House


@pytest.fixture
async def house() -> Tenants:
    return await Tenants.opened()


async def quota(house: House, name: str, most: int, **fields: object) -> None:
    await house.write(f"sys/quotas/lease-count/{name}", {"max_leases": most, **fields})


async def counted(house: House, name: str) -> int:
    return int((await house.read(f"sys/quotas/lease-count/{name}")).data["counter"])


async def test_no_more_leases_than_the_quota(house: Tenants) -> None:
    await quota(house, "q", 3)
    tokens = [await house.token(policies=["default"]) for _ in range(3)]
    with pytest.raises(RateLimited, match="3 leases") as refused:
        await house.token(policies=["default"])
    assert refused.value.retry_after > 0
    assert await counted(house, "q") == 3
    await house.write("auth/token/revoke", {"token": tokens[0]})
    assert await counted(house, "q") == 2
    await house.token(policies=["default"])


async def test_what_expires_is_no_longer_counted(house: Tenants) -> None:
    await quota(house, "q", 2)
    for _ in range(2):
        await house.token(policies=["default"], ttl="1m")
    house.clock.advance(61)
    await house.core.expiry.sweep()
    assert await counted(house, "q") == 0


async def test_children_are_not_counted_once_their_parent_is_revoked(house: Tenants) -> None:
    await quota(house, "q", 10)
    await house.policy("", "maker", 'path "auth/token/create" { capabilities = ["update"] }')
    parent = await house.token(policies=["maker"])
    for _ in range(3):
        await house.write("auth/token/create", {}, token=parent)
    assert await counted(house, "q") == 4
    await house.write("auth/token/revoke", {"token": parent})
    assert await counted(house, "q") == 0


async def test_renewing_is_not_making(house: Tenants) -> None:
    token = await house.token(policies=["default"], ttl="1h")
    await quota(house, "q", 1)
    for _ in range(3):
        await house.write("auth/token/renew-self", {}, token=token)
    assert await counted(house, "q") == 1


async def test_root_and_batch_tokens_have_no_lease(house: Tenants) -> None:
    await quota(house, "q", 1)
    for fields in ({"policies": ["root"]}, {"policies": ["default"], "type": "batch"}):
        for _ in range(3):
            await house.token(**fields)
    assert await counted(house, "q") == 0


async def test_leases_that_exist_are_counted_by_a_new_quota(house: Tenants) -> None:
    for _ in range(3):
        await house.token_of("a", "default")
        await house.token(policies=["default"])
    await quota(house, "all", 10)
    await quota(house, "team", 2, path="a")
    assert (await counted(house, "all"), await counted(house, "team")) == (6, 0)
    await house.delete("sys/quotas/lease-count/all")
    assert await counted(house, "team") == 3
    await quota(house, "team", 2, path="a/auth/token")
    assert await counted(house, "team") == 3
    with pytest.raises(RateLimited):
        await house.token_of("a", "default")
    await house.token_of("b", "default")


async def test_the_most_specific_quota_counts(house: Tenants) -> None:
    await quota(house, "all", 2)
    await quota(house, "team", 1, path="a")
    await house.token_of("a", "default")
    with pytest.raises(RateLimited, match="'team'"):
        await house.token_of("a", "default")
    await house.token_of("a/in", "default")
    await house.token_of("b", "default")
    with pytest.raises(RateLimited, match="'all'"):
        await house.token(policies=["default"])


async def test_a_roles_quota_counts_its_logins(house: Tenants) -> None:
    await house.write("sys/auth/approle", {"type": "approle"})
    logins = {}
    for role in ("few", "many"):
        await house.write(f"auth/approle/role/{role}", {"bind_secret_id": False, "token_policies": "default",
                                                        "secret_id_bound_cidrs": "127.0.0.1/32"})  # fmt: skip
        logins[role] = {"role_id": (await house.read(f"auth/approle/role/{role}/role-id")).data["role_id"]}
    await quota(house, "q", 1, path="auth/approle", role="few")
    text_of(await house.write("auth/approle/login", logins["few"], token=None))
    with pytest.raises(RateLimited):
        await house.write("auth/approle/login", logins["few"], token=None)
    for _ in range(3):
        await house.write("auth/approle/login", logins["many"], token=None)
    assert await counted(house, "q") == 1


async def test_of_many_at_once_exactly_as_many_as_may_be_get_one(house: Tenants) -> None:
    await quota(house, "q", 5)
    made = await asyncio.gather(
        *(house.token(policies=["default"]) for _ in range(30)), return_exceptions=True
    )
    tokens = [one for one in made if isinstance(one, str)]
    assert len(tokens) == 5
    assert all(isinstance(one, RateLimited) for one in made if not isinstance(one, str))
    assert await counted(house, "q") == 5
    await asyncio.gather(*(house.write("auth/token/revoke", {"token": token}) for token in tokens))
    assert await counted(house, "q") == 0


async def test_a_count_survives_a_restart(house: Tenants) -> None:
    await quota(house, "q", 2)
    for _ in range(2):
        await house.token(policies=["default"])
    again = House(Permissions(), {}, storage=house.storage)
    again.core.initialized, again.shares, again.root = True, house.shares, house.root
    await again.unseal()
    with pytest.raises(RateLimited):
        await again.token(policies=["default"])


async def test_a_namespace_that_is_deleted_leaves_no_count(house: Tenants) -> None:
    await quota(house, "all", 10)
    await quota(house, "team", 10, path="b")
    await house.token_of("b", "default")
    await house.delete("sys/namespaces/b")
    await house.jobs()
    assert await counted(house, "all") == 0
    with pytest.raises(NotFound):
        await counted(house, "team")


@pytest.mark.parametrize(
    "fields", [{}, {"max_leases": 0}, {"max_leases": -1}, {"max_leases": 1, "path": "none"}]
)
async def test_what_is_no_quota_is_refused(house: Tenants, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        await house.write("sys/quotas/lease-count/q", fields)


class Machine(RuleBasedStateMachine):
    """Whatever is made, revoked, left to expire and quotaed: the counts are those of the leases there are."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.house = self.runner.run(Tenants.opened())
        self.live: list[str] = []
        self.quotas: set[str] = set()

    @rule(path=st.sampled_from(["", "a", "a/in", "auth/token"]), most=st.integers(1, 6))
    def write(self, path: str, most: int) -> None:
        name = path.replace("/", "-") or "all"
        self.runner.run(quota(self.house, name, most, path=path))
        self.quotas.add(name)

    @precondition(lambda self: self.quotas)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.quotas)))
        self.runner.run(self.house.delete(f"sys/quotas/lease-count/{name}"))
        self.quotas.remove(name)

    @rule(namespace=st.sampled_from(["", "a", "a/in", "b"]), ttl=st.sampled_from(["1m", "1h"]))
    def make(self, namespace: str, ttl: str) -> None:
        try:
            self.live.append(self.runner.run(self.house.token_of(namespace, "default", ttl=ttl)))
        except RateLimited:
            assert self.quotas

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(self.live))
        self.live.remove(token)
        self.runner.run(self.house.write("auth/token/revoke", {"token": token}))

    @rule()
    def wait(self) -> None:
        self.house.clock.advance(61)
        self.runner.run(self.house.core.expiry.sweep())

    @invariant()
    def counts_are_true(self) -> None:
        self.runner.run(self._check())

    async def _check(self) -> None:
        tx = self.house.core.barrier.begin()
        expire = leases.view(tx)
        named: dict[str, int] = {}
        for lease_id in await leases.below(expire, ""):
            entry = await expire.get(f"id/{lease_id}", leases.LeaseEntry)
            if entry.quota:
                named[entry.quota] = named.get(entry.quota, 0) + 1
        assert named.keys() <= self.quotas
        for name in self.quotas:
            assert await counts.total(tx, name) == named.get(name, 0)

    def teardown(self) -> None:
        self.runner.close()


Machine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCounts = Machine.TestCase
