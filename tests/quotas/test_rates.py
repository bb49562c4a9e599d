"""Rate limits: which one holds, what they let through, and what their refusal says."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.core.quotas import buckets
from strongroom.core.quotas.buckets import Buckets
from strongroom.core.quotas.record import RateLimit
from strongroom.errors import InvalidCredentials, InvalidRequest, NotFound, PermissionDenied, RateLimited
from strongroom.framework import Operation, Request, canonical
from strongroom.sensitive import Sensitive
from tests.namespaces.house import Tenants
from tests.suites.house import House


@pytest.fixture
async def house() -> Tenants:
    made = await Tenants.opened()
    await made.write("sys/mounts/kv", {"type": "kv"})
    await made.write("kv/x", {"of": "root"})
    return made


async def limit(house: House, name: str, rate: float, **fields: object) -> None:
    await house.write(f"sys/quotas/rate-limit/{name}", {"rate": rate, **fields})


async def passed(house: House, path: str, times: int = 10, **more: object) -> int:
    """How many of some requests at once are let through."""
    count = 0
    for _ in range(times):
        try:
            await house.read(path, **more)
        except RateLimited:
            continue
        except (PermissionDenied, NotFound):
            pass
        count += 1
    return count


async def test_a_bucket_lets_its_size_through_and_then_its_rate(house: Tenants) -> None:
    await limit(house, "q", 4, interval="2s", path="kv")
    assert await passed(house, "kv/x") == 4
    house.clock.advance(0.5)
    assert await passed(house, "kv/x") == 1
    house.clock.advance(100)
    assert await passed(house, "kv/x") == 4
    assert await passed(house, "sys/mounts") == 10


async def test_each_address_has_its_own_bucket(house: Tenants) -> None:
    await limit(house, "q", 2)
    assert await passed(house, "kv/x", remote="10.0.0.1") == 2
    assert await passed(house, "kv/x", remote="10.0.0.2") == 2


async def test_who_goes_over_a_limit_is_shut_out_for_the_block(house: Tenants) -> None:
    await limit(house, "q", 2, path="kv", block_interval=60)
    assert await passed(house, "kv/x") == 2
    house.clock.advance(59)
    with pytest.raises(RateLimited) as refused:
        await house.read("kv/x")
    assert refused.value.retry_after == 1
    house.clock.advance(1.5)
    assert await passed(house, "kv/x") == 2


@pytest.mark.parametrize(
    ("quotas", "counts"),
    [
        ({"": 7}, (7, 7, 7)),
        ({"": 7, "kv": 3}, (3, 7, 7)),
        ({"": 7, "kv": 3, "kv/x": 2}, (2, 7, 7)),
        ({"": 7, "a": 3}, (7, 3, 7)),
        ({"": 7, "a": 3, "a/kv": 2}, (7, 2, 7)),
        ({"": 7, "a/in/kv": 2}, (7, 7, 2)),
        ({"kv/xx": 1, "a/k": 1}, (10, 10, 10)),
    ],
)
async def test_the_most_specific_limit_holds(
    house: Tenants, quotas: dict[str, int], counts: tuple[int, ...]
) -> None:
    for number, (path, rate) in enumerate(quotas.items()):
        if path == "a/k":
            with pytest.raises(InvalidRequest, match="no mount"):
                await limit(house, str(number), rate, path=path)
        else:
            await limit(house, str(number), rate, path=path)
    asked = (("kv/x", ""), ("kv/x", "a"), ("kv/x", "a/in"))
    for (path, namespace), count in zip(asked, counts, strict=True):
        found = [await passed(house, path, namespace=namespace, remote=f"10.0.0.{count}{len(namespace)}")]
        assert found == [count], (path, namespace)


async def test_a_namespaces_limit_is_inherited_when_it_says_so(house: Tenants) -> None:
    await limit(house, "q", 3, path="a/")
    assert await passed(house, "kv/x", namespace="a", remote="1.1.1.1") == 3
    assert await passed(house, "a/in/kv/x", remote="1.1.1.2") == 10
    await limit(house, "q", 3, path="a/", inheritable=True)
    assert await passed(house, "a/in/kv/x", remote="1.1.1.3") == 3
    await limit(house, "q", 3, inheritable=False)
    assert await passed(house, "kv/x", remote="1.1.1.4") == 3
    assert await passed(house, "kv/x", namespace="b", remote="1.1.1.5") == 10


async def test_a_roles_limit_is_for_its_logins(house: Tenants) -> None:
    await house.write("sys/auth/approle", {"type": "approle"})
    ids = {}
    for role in ("fast", "slow"):
        await house.write(f"auth/approle/role/{role}", {})
        ids[role] = (await house.read(f"auth/approle/role/{role}/role-id")).data["role_id"]
    await limit(house, "q", 2, path="auth/approle", role="slow")

    async def logins(role: str) -> int:
        refused = 0
        for _ in range(5):
            try:
                await house.write("auth/approle/login", {"role_id": ids[role], "secret_id": "x"}, token=None)
            except RateLimited:
                refused += 1
            except (InvalidCredentials, InvalidRequest):
                continue
        return 5 - refused

    assert await logins("slow") == 2
    assert await logins("fast") == 5
    with pytest.raises(InvalidRequest):
        await house.write("auth/approle/login", b"[]", token=None)
    for path in ("", "kv", "auth/token"):
        with pytest.raises(InvalidRequest, match="role"):
            await limit(house, "other", 2, path=path, role="slow")


async def test_a_refusal_comes_before_the_token_is_looked_at_and_leaves_no_entry(house: Tenants) -> None:
    await limit(house, "q", 1, path="kv")
    await passed(house, "kv/x", 1)
    size = house.log.size
    for token in ("root", "guess", None):
        with pytest.raises(RateLimited):
            await house.read("kv/x", token=token)
    assert house.log.size == size
    await house.write("sys/quotas/config", {"enable_rate_limit_audit_logging": True})
    assert await passed(house, "kv/x", 2) == 1
    assert "RateLimited" in house.log.entries()[-1]["error"]


async def test_answers_say_what_is_left_when_they_are_to(house: Tenants) -> None:
    await limit(house, "q", 2, interval=10, path="kv")

    async def headers() -> dict[str, int]:
        request = Request(Operation.READ, canonical(b"kv/x"), "id", Sensitive(house.root), remote="127.0.0.1")
        with suppress(RateLimited):
            await house.core.handle(request)
        return {name.decode(): int(value) for name, value in request.answer_headers}

    assert await headers() == {}
    await house.write("sys/quotas/config", {"enable_rate_limit_response_headers": True})
    assert await headers() == {"x-ratelimit-limit": 2, "x-ratelimit-remaining": 1, "x-ratelimit-reset": 5}
    assert (await headers())["x-ratelimit-remaining"] == 0
    assert await headers() == {"x-ratelimit-limit": 2, "x-ratelimit-remaining": 0, "x-ratelimit-reset": 10}


async def test_exempt_paths_have_no_limit(house: Tenants) -> None:
    await limit(house, "q", 1)
    await house.write("sys/quotas/config", {"rate_limit_exempt_paths": ["kv/x", "a/*"]})
    house.clock.advance(10)
    assert await passed(house, "kv/x") == 10
    assert await passed(house, "kv/x", namespace="a") == 10
    assert await passed(house, "kv/y") == 1
    assert await passed(house, "sys/seal-status", token=None, remote="9.9.9.9") == 1


async def test_health_is_answered_whatever_the_limit(house: Tenants) -> None:
    await limit(house, "q", 0.001)
    assert await passed(house, "sys/health", token=None) == 10


@pytest.mark.parametrize(
    "fields",
    [{}, {"rate": 0}, {"rate": -1}, {"rate": 1, "interval": 0}, {"rate": 1, "block_interval": -1},
     {"rate": 1, "path": "none"}, {"rate": 1, "path": "a/../kv"}, {"rate": "many"}],
)  # fmt: skip
async def test_what_is_no_limit_is_refused(house: Tenants, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        await house.write("sys/quotas/rate-limit/q", fields)


async def test_limits_are_described_as_vault_does(house: Tenants) -> None:
    with pytest.raises(NotFound):
        await house.list("sys/quotas/rate-limit")
    await limit(house, "all", 100)
    await limit(house, "team", 0.5, path="a/in", interval="1m", block_interval=5)
    assert (await house.read("sys/quotas/rate-limit/all")).data == {
        "name": "all", "path": "", "role": "", "rate": 100.0, "interval": 1, "block_interval": 0,
        "inheritable": True, "type": "rate-limit",
    }  # fmt: skip
    found = (await house.read("sys/quotas/rate-limit/team")).data
    assert (found["path"], found["interval"], found["inheritable"]) == ("a/in/", 60, False)
    assert (await house.list("sys/quotas/rate-limit")).data["keys"] == ["all", "team"]
    await house.delete("sys/quotas/rate-limit/all")
    with pytest.raises(NotFound):
        await house.read("sys/quotas/rate-limit/all")


async def test_quotas_belong_to_the_root_namespace_and_take_sudo(house: Tenants) -> None:
    with pytest.raises(NotFound):
        await house.write("sys/quotas/rate-limit/q", {"rate": 1}, namespace="a")
    await house.policy("", "most", 'path "sys/*" { capabilities = ["create", "read", "update", "delete"] }')
    token = await house.token(policies=["most"])
    with pytest.raises(PermissionDenied, match="sudo"):
        await house.write("sys/quotas/rate-limit/q", {"rate": 1}, token=token)


async def test_limits_hold_again_after_unsealing(house: Tenants) -> None:
    await limit(house, "q", 2, path="kv")
    await house.write("sys/seal", {})
    assert not house.core.quotas.limiting
    await house.unseal()
    assert await passed(house, "kv/x") == 2


@given(
    rate=st.floats(0.1, 50),
    interval=st.integers(1, 60),
    gaps=st.lists(st.floats(0, 5), min_size=1, max_size=80),
)
def test_never_more_than_a_bucket_and_the_rate_since(rate: float, interval: int, gaps: list[float]) -> None:
    quota, drawn, now = RateLimit(name="q", rate=rate, interval=interval), Buckets(), 1000.0
    granted = []
    for gap in gaps:
        now += gap
        taken = drawn.take(quota, "here", now)
        assert 0 <= taken.remaining <= taken.limit
        if not taken.retry_after:
            granted.append(now)
    for number, start in enumerate(granted):
        allowed = max(rate, 1.0) + (granted[-1] - start) * rate / interval
        assert len(granted) - number <= allowed + 1e-6


@given(
    rate=st.floats(0.1, 50), interval=st.integers(1, 60), block=st.integers(0, 30), over=st.integers(1, 60)
)
def test_after_the_time_named_there_is_a_token(rate: float, interval: int, block: int, over: int) -> None:
    quota = RateLimit(name="q", rate=rate, interval=interval, block_interval=block)
    drawn, taken = Buckets(), None
    for _ in range(over + 50):
        taken = drawn.take(quota, "here", 1000.0)
    assert taken is not None
    assert taken.retry_after > 0
    assert drawn.take(quota, "here", 1000.0 + taken.retry_after).retry_after == 0


def test_addresses_are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "MOST", 100)
    drawn = Buckets()
    for number in range(1000):
        drawn.take(RateLimit(name="q", rate=1), f"10.0.{number // 256}.{number % 256}", 0.0)
    assert len(drawn._buckets) == 100
