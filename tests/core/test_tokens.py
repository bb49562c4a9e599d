"""Tokens through the door: who may make them, how long they live, how often they work, what ends them."""

import asyncio

import pytest

from strongroom.core.token_format import LENGTH, mint, ours, recognised
from strongroom.errors import InvalidRequest, PermissionDenied, StrongroomError
from strongroom.framework import Operation, Response
from tests.suites.house import House

EVERYTHING = 'path "*" { capabilities = ["create","read","update","delete","list","sudo","patch"] }'


@pytest.fixture
async def house() -> House:
    made = await House.opened()
    await made.write("sys/policies/acl/all", {"policy": EVERYTHING})
    await made.write("sys/policies/acl/some", {"policy": 'path "auth/token/*" { capabilities = ["update"] }'})
    return made


async def alive(house: House, token: str) -> bool:
    try:
        await house.read("auth/token/lookup-self", token=token)
    except PermissionDenied:
        return False
    return True


def issued(response: Response) -> str:
    assert response.auth is not None
    assert response.auth.client_token is not None
    return response.auth.client_token.reveal()


async def test_generated_tokens_are_recognised_without_a_key_and_as_ours_with_it(house: House) -> None:
    token = await house.token(policies=["default"])
    keys = house.core.tokens.keys
    assert len(token) == LENGTH
    assert recognised(token)
    assert ours(keys.token_tag, token)
    foreign = mint(bytes(32))
    assert recognised(foreign)
    assert not ours(keys.token_tag, foreign)
    changed = token[:10] + ("a" if token[10] != "a" else "b") + token[11:]
    assert not recognised(changed)


async def test_lookup_shows_what_clients_assert(house: House) -> None:
    token = await house.token(policies=["default"], ttl="1h", meta={"team": "red"}, display_name="ci bot")
    found = (await house.read("auth/token/lookup-self", token=token)).data
    assert found["type"] == "service"
    assert found["ttl"] == 3600
    assert found["expire_time"].endswith("Z")
    assert found["policies"] == ("default",)
    assert found["display_name"] == "token-ci-bot"
    assert found["meta"] == {"team": "red"}
    assert found["orphan"] is False
    assert found["id"] == token


async def test_a_token_ends_with_its_time_even_unswept(house: House) -> None:
    token = await house.token(policies=["default"], ttl="10s")
    house.clock.advance(9)
    assert await alive(house, token)
    house.clock.advance(2)
    assert not await alive(house, token)
    await house.core.expiry.sweep()
    assert not await alive(house, token)


async def test_renewal_never_passes_the_maximum(house: House) -> None:
    token = await house.token(policies=["default"], ttl="60s", explicit_max_ttl="100s")
    house.clock.advance(50)
    renewed = await house.write("auth/token/renew-self", {"increment": "90s"}, token=token)
    assert renewed.auth is not None
    assert renewed.auth.lease_duration == 50
    house.clock.advance(51)
    assert not await alive(house, token)


async def test_a_periodic_token_lives_as_long_as_it_renews(house: House) -> None:
    token = await house.token(policies=["default"], period="100s")
    for _ in range(50):
        house.clock.advance(99)
        await house.write("auth/token/renew-self", {}, token=token)
    assert await alive(house, token)


async def test_revoked_token_cannot_renew(house: House) -> None:
    token = await house.token(policies=["default"], ttl="1h")
    await house.write("auth/token/revoke-self", {}, token=token)
    with pytest.raises(PermissionDenied):
        await house.write("auth/token/renew-self", {}, token=token)


async def test_revocation_takes_the_whole_tree_but_not_orphans(house: House) -> None:
    parent = await house.token(policies=["all"])
    child = issued(await house.write("auth/token/create", {"policies": ["all"]}, token=parent))
    grandchild = issued(await house.write("auth/token/create", {"policies": ["default"]}, token=child))
    orphan = issued(await house.write("auth/token/create-orphan", {"policies": ["default"]}, token=child))
    await house.write("auth/token/revoke", {"token": parent})
    assert [await alive(house, t) for t in (parent, child, grandchild, orphan)] == [False, False, False, True]


async def test_revoke_orphan_leaves_children_alive(house: House) -> None:
    parent = await house.token(policies=["all"])
    child = issued(await house.write("auth/token/create", {"policies": ["default"]}, token=parent))
    await house.write("auth/token/revoke-orphan", {"token": parent})
    assert not await alive(house, parent)
    found = (await house.read("auth/token/lookup-self", token=child)).data
    assert found["orphan"] is True


async def test_children_carry_no_more_than_their_parent(house: House) -> None:
    parent = await house.token(policies=["some"])
    with pytest.raises(InvalidRequest, match="subset"):
        await house.write("auth/token/create", {"policies": ["all"]}, token=parent)
    for spelling in ("root", "ROOT", " root "):
        with pytest.raises(StrongroomError):
            await house.write("auth/token/create", {"policies": [spelling]}, token=parent)
    with pytest.raises(InvalidRequest):
        await house.write("auth/token/create", {"id": "chosen"}, token=parent)
    with pytest.raises(InvalidRequest):
        await house.write("auth/token/create", {"no_parent": True}, token=parent)
    with pytest.raises(InvalidRequest):
        await house.write("auth/token/create", {"period": "1h"}, token=parent)


async def test_uses_are_charged_before_anything_is_done(house: House) -> None:
    token = await house.token(policies=["default"], num_uses=2)
    with pytest.raises(PermissionDenied):
        await house.read("sys/mounts", token=token)
    assert await alive(house, token)
    assert not await alive(house, token)


async def test_exactly_one_of_fifty_uses_of_a_one_use_token_wins(house: House) -> None:
    token = await house.token(policies=["default"], num_uses=1)
    results = await asyncio.gather(*(alive(house, token) for _ in range(50)))
    assert results.count(True) == 1


async def test_a_restricted_use_token_makes_no_children(house: House) -> None:
    token = await house.token(policies=["all"], num_uses=5)
    with pytest.raises(InvalidRequest):
        await house.write("auth/token/create", {}, token=token)


async def test_bound_addresses_hold(house: House) -> None:
    await house.write(
        "auth/token/roles/near", {"token_bound_cidrs": ["10.0.0.0/8"], "allowed_policies": "default"}
    )
    token = issued(await house.write("auth/token/create/near", {}))
    with pytest.raises(PermissionDenied):
        await house.read("auth/token/lookup-self", token=token, remote="192.168.1.1")
    await house.read("auth/token/lookup-self", token=token, remote="10.1.2.3")


async def test_batch_tokens_leave_no_trace_and_end_with_their_parent(house: House) -> None:
    parent = await house.token(policies=["all"])
    before = len(await house.core.barrier.begin().scan("token/"))
    batch = issued(
        await house.write(
            "auth/token/create", {"type": "batch", "policies": ["default"], "ttl": "1h"}, token=parent
        )
    )
    assert batch.startswith("srb.")
    assert len(await house.core.barrier.begin().scan("token/")) == before
    assert await alive(house, batch)
    with pytest.raises(InvalidRequest):
        await house.write("auth/token/renew-self", {}, token=batch)
    await house.write("auth/token/revoke", {"token": parent})
    assert not await alive(house, batch)


@pytest.mark.parametrize("text", ["", "srb.", "srb.AAAA", "srs." + "0" * 36, "nobody", "x" * 5000])
async def test_what_is_no_token_is_denied_alike(house: House, text: str) -> None:
    with pytest.raises(PermissionDenied, match=r"^permission denied$"):
        await house.read("auth/token/lookup-self", token=text)


async def test_a_role_bounds_what_it_issues(house: House) -> None:
    await house.write(
        "auth/token/roles/r",
        {"allowed_policies": "some,default", "orphan": True, "token_period": "1h", "path_suffix": "x"},
    )
    made = await house.write("auth/token/create/r", {"policies": ["some"]})
    assert made.auth is not None
    assert made.auth.orphan
    assert made.auth.lease_duration == 3600
    with pytest.raises(InvalidRequest, match="not allowed"):
        await house.write("auth/token/create/r", {"policies": ["all"]})
    with pytest.raises(InvalidRequest, match="unknown role"):
        await house.write("auth/token/create/none", {})


async def test_accessors_lead_to_tokens_but_never_show_them(house: House) -> None:
    token = await house.token(policies=["default"], ttl="1h")
    accessor = (await house.read("auth/token/lookup-self", token=token)).data["accessor"]
    found = (await house.write("auth/token/lookup-accessor", {"accessor": accessor})).data
    assert found["id"] == ""
    assert accessor in (await house.list("auth/token/accessors")).data["keys"]
    await house.write("auth/token/renew-accessor", {"accessor": accessor, "increment": "2h"})
    await house.write("auth/token/revoke-accessor", {"accessor": accessor})
    assert not await alive(house, token)
    with pytest.raises(InvalidRequest):
        await house.write("auth/token/lookup-accessor", {"accessor": accessor})


async def test_storage_holds_no_token_text(house: House) -> None:
    token = await house.token(policies=["default"], ttl="1h")
    tx = house.storage.begin()
    for key in await tx.scan("", limit=10_000):
        value = await tx.get(key)
        assert token not in key
        assert value is None or token.encode() not in value


async def test_tidy_finds_nothing_in_a_sound_store(house: House) -> None:
    await house.token(policies=["default"], ttl="1h")
    answer = await house.write("auth/token/tidy", {})
    assert answer.status == 202
    assert " 0 stale" in answer.warnings[0]


async def test_a_token_of_a_sealed_server_is_no_token(house: House) -> None:
    token = await house.token(policies=["default"])
    await house.ask(Operation.WRITE, "sys/seal", {})
    with pytest.raises(StrongroomError, match="sealed"):
        await house.read("auth/token/lookup-self", token=token)
    await house.unseal()
    assert await alive(house, token)


async def test_a_batch_token_is_never_root_nor_counted(house: House) -> None:
    for fields in ({"type": "batch"}, {"type": "batch", "policies": ["root"], "ttl": "1h"}):
        with pytest.raises(InvalidRequest, match="cannot be root tokens"):
            await house.write("auth/token/create", fields)
    for name, role in (("counted", {"token_num_uses": 2}), ("periodic", {"token_period": "1h"})):
        await house.write(f"auth/token/roles/{name}", role)
        with pytest.raises(InvalidRequest, match="the role sets one"):
            await house.write(f"auth/token/create/{name}", {"type": "batch", "policies": ["default"]})


@pytest.mark.parametrize("suffix", ["a b", "a/b", "..", "é", "-x", "x\n"])
async def test_a_roles_path_suffix_is_one_plain_segment(house: House, suffix: str) -> None:
    with pytest.raises(InvalidRequest, match="path_suffix"):
        await house.write("auth/token/roles/r", {"path_suffix": suffix})


async def test_a_renewal_that_gives_less_than_asked_says_so(house: House) -> None:
    short = await house.token(policies=["default"], ttl="30s", explicit_max_ttl="60s")
    assert (await house.write("auth/token/renew-self", {"increment": "20s"}, token=short)).warnings == ()
    answer = await house.write("auth/token/renew-self", {"increment": "10h"}, token=short)
    assert answer.warnings == ("TTL of 36000s exceeded what is left: it is capped to 60s",)
