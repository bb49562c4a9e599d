"""Owners, readers and age of secrets: listings, what mounts require, who leaves."""

from typing import Any

import pytest

from strongroom.clock import FakeClock
from strongroom.errors import InvalidRequest, NotFound, PermissionDenied
from strongroom.framework import Operation
from strongroom.inventory import InventoryDesk
from tests.system.test_backup import Desk

DAY = 86400.0
FACTS = {"owner": "ann@example.com", "purpose": "orders", "environment": "prod", "classification": "high"}


def inventory(desk: Desk) -> InventoryDesk:
    assert desk.house is not None
    found: InventoryDesk = desk.house.core.services["inventory"]
    return found


def pass_days(desk: Desk, days: float) -> None:
    assert desk.house is not None
    clock = desk.house.core.clock
    assert isinstance(clock, FakeClock)
    clock.advance(days * DAY)


async def put(desk: Desk, path: str, facts: dict[str, str] | None = None, **fields: str) -> None:
    if facts is not None:
        await desk.ask(Operation.WRITE, f"secret/metadata/{path}", custom_metadata=facts)
    await desk.ask(Operation.WRITE, f"secret/data/{path}", data=fields or {"password": f"value of {path}"})


async def read(desk: Desk, path: str, token: str = "", **query: Any) -> None:
    await desk.answer(Operation.READ, f"secret/data/{path}", token, **query)


async def token(desk: Desk, name: str, rules: str, ttl: str = "0") -> str:
    await desk.ask(Operation.WRITE, f"sys/policies/acl/{name}", policy=rules)
    made = await desk.answer(
        Operation.WRITE, "auth/token/create", policies=[name], display_name=name, ttl=ttl
    )
    assert made.auth is not None
    assert made.auth.client_token is not None
    return made.auth.client_token.reveal()


async def paths(desk: Desk, report: str, **query: Any) -> list[str]:
    found = await desk.ask(Operation.READ, f"inventory/reports/{report}", **query)
    return [secret["path"] for secret in found["secrets"]]


async def test_a_secret_shows_its_facts_and_everyone_who_read_it(desk: Desk) -> None:
    await put(desk, "app/db", {**FACTS, "lifespan": "90d", "team": "not one of ours"})
    reader = await token(desk, "orders", 'path "secret/data/app/*" { capabilities = ["read"] }')
    await read(desk, "app/db", token=reader)
    await put(desk, "app/db")
    pass_days(desk, 1)
    await read(desk, "app/db", token=reader)
    await read(desk, "app/db", token=reader, version=1)
    await read(desk, "app/db")
    shown = await desk.ask(Operation.READ, "inventory/secrets/secret/app/db")
    assert {name: shown[name] for name in FACTS} == FACTS
    assert "team" not in shown
    assert (shown["version"], shown["age_days"], shown["reads"]) == (2, 1, 4)
    assert sorted(shown["readers"]) == ["root", "token-orders"]
    assert shown["readers"]["token-orders"]["reads"] == 3
    assert sorted(shown["readers"]["token-orders"]["versions"]) == ["1", "2"]
    assert shown["expires"] > shown["last_read"] > shown["last_rotation"]


async def test_reads_that_were_refused_or_found_nothing_do_not_count(desk: Desk) -> None:
    await put(desk, "app")
    stranger = await token(desk, "stranger", 'path "other" { capabilities = ["read"] }')
    with pytest.raises(PermissionDenied):
        await read(desk, "app", token=stranger)
    with pytest.raises(NotFound):
        await read(desk, "none")
    await desk.ask(Operation.READ, "secret/metadata/app")
    assert (await desk.ask(Operation.READ, "inventory/secrets/secret/app"))["readers"] == {}


async def test_the_listings_hold_what_they_say(desk: Desk) -> None:
    await put(desk, "owned", {**FACTS, "lifespan": "10d"})
    await put(desk, "old")
    pass_days(desk, 50)
    await put(desk, "fresh", {"owner": "bob"})
    await read(desk, "old")
    pass_days(desk, 50)
    assert await paths(desk, "all") == ["secret/fresh", "secret/old", "secret/owned"]
    assert await paths(desk, "ownerless") == ["secret/old"]
    assert await paths(desk, "unused", days=60) == ["secret/owned"]
    assert await paths(desk, "unused", days=40) == ["secret/fresh", "secret/old", "secret/owned"]
    assert await paths(desk, "over-age", days=90) == ["secret/old", "secret/owned"]
    assert await paths(desk, "over-age", days=200) == ["secret/owned"]
    assert await paths(desk, "expiring") == ["secret/owned"]


async def test_a_version_that_deletes_itself_is_expiring(desk: Desk) -> None:
    await desk.ask(Operation.WRITE, "secret/metadata/brief", delete_version_after="20d")
    await put(desk, "brief")
    assert await paths(desk, "expiring", days=10) == []
    pass_days(desk, 15)
    assert await paths(desk, "expiring", days=10) == ["secret/brief"]


async def test_a_lifespan_that_reads_as_nothing_is_none(desk: Desk) -> None:
    await put(desk, "odd", {"lifespan": "until Easter"})
    assert await paths(desk, "expiring", days=36500) == []


async def test_pages_follow_each_other_over_mounts(desk: Desk) -> None:
    await desk.ask(Operation.WRITE, "sys/mounts/a", type="kv", options={"version": "1"})
    await desk.ask(Operation.WRITE, "sys/mounts/z/deep", type="kv", options={"version": "2"})
    for name in ("x", "y/z"):
        await desk.ask(Operation.WRITE, f"a/{name}", key="some value")
        await put(desk, name)
        await desk.ask(Operation.WRITE, f"z/deep/data/{name}", data={"k": "v"})
    seen: list[str] = []
    after = ""
    while True:
        page = await desk.ask(Operation.READ, "inventory/reports/all", limit=2, after=after)
        seen += [secret["path"] for secret in page["secrets"]]
        if not (after := page["next"]):
            break
    assert seen == ["a/x", "a/y/z", "secret/x", "secret/y/z", "z/deep/x", "z/deep/y/z"]


async def test_a_mount_may_require_facts_of_each_secret(desk: Desk) -> None:
    await desk.ask(Operation.WRITE, "inventory/mounts/secret", required="owner,purpose")
    assert await desk.ask(Operation.READ, "inventory/mounts/secret") == {"required": ["owner", "purpose"]}
    with pytest.raises(InvalidRequest, match="owner, purpose"):
        await put(desk, "app")
    await put(desk, "app", {"owner": "ann", "purpose": "orders"})
    with pytest.raises(InvalidRequest, match="purpose"):
        await desk.ask(Operation.WRITE, "secret/metadata/app", custom_metadata={"owner": "ann"})
    await desk.ask(Operation.DELETE, "secret/data/app")
    await desk.ask(Operation.DELETE, "secret/metadata/app")
    await desk.ask(Operation.WRITE, "inventory/mounts/secret", required="")
    await put(desk, "free")


@pytest.mark.parametrize(
    ("mount", "required"), [("secret", "colour"), ("cubbyhole", "owner"), ("v1", "owner")]
)
async def test_requirements_that_make_no_sense_are_refused(desk: Desk, mount: str, required: str) -> None:
    await desk.ask(Operation.WRITE, "sys/mounts/v1", type="kv", options={"version": "1"})
    with pytest.raises((InvalidRequest, NotFound)):
        await desk.ask(Operation.WRITE, f"inventory/mounts/{mount}", required=required)


async def test_requirements_outlive_a_restart(desk: Desk) -> None:
    await desk.ask(Operation.WRITE, "inventory/mounts/secret", required="owner")
    await desk.close()
    await desk.open()
    with pytest.raises(InvalidRequest, match="owner"):
        await put(desk, "app")


async def test_readers_outlive_seal_and_restart(desk: Desk) -> None:
    await put(desk, "app")
    await read(desk, "app")
    await desk.ask(Operation.WRITE, "sys/seal")
    await desk.ask(Operation.WRITE, "sys/unseal", key=desk.share)
    await read(desk, "app")
    await desk.close()
    await desk.open()
    shown = await desk.ask(Operation.READ, "inventory/secrets/secret/app")
    assert shown["readers"]["root"]["reads"] == 2


async def test_who_leaves_is_told_what_to_rotate(desk: Desk) -> None:
    for name in ("read", "read-before", "allowed", "denied"):
        await put(desk, name, {"owner": f"owner of {name}"})
    rules = 'path "secret/data/*" { capabilities = ["read"] } path "secret/data/denied" { capabilities = ["deny"] }'
    reader = await token(desk, "ann", rules)
    for name in ("read", "read-before"):
        await read(desk, name, token=reader)
    await put(desk, "read-before")
    assert await desk.ask(Operation.LIST, "inventory/readers") == {"keys": ["token-ann"]}
    left = await desk.ask(Operation.READ, "inventory/readers/token-ann")
    rotate = {row["path"]: (row["rotate"], row["could_read"]) for row in left["secrets"]}
    assert rotate == {
        "secret/allowed": (False, True),
        "secret/read": (True, True),
        "secret/read-before": (False, True),
    }
    with pytest.raises(NotFound):
        await desk.ask(Operation.READ, "inventory/readers/nobody")


async def test_duplicates_are_named_by_where_they_are(desk: Desk) -> None:
    await put(desk, "one", password="the same in both", other="different")
    await put(desk, "two", token="the same in both", other="differs too")
    await put(desk, "one", password="the same in both", other="different")
    found = (await desk.ask(Operation.READ, "inventory/reports/duplicate"))["duplicates"]
    assert [group["held_as"] for group in found] == [
        ["secret/one version 1, field password", "secret/one version 2, field password",
         "secret/two version 1, field token"]
    ]  # fmt: skip
    await desk.ask(Operation.WRITE, "secret/destroy/two", versions=[1])
    assert (await desk.ask(Operation.READ, "inventory/reports/duplicate"))["duplicates"] == []


async def test_other_floors_learn_of_reads_before_they_are_written_down(desk: Desk) -> None:
    await put(desk, "app", FACTS)
    await read(desk, "app")
    assert desk.house is not None
    tx = desk.house.core.barrier.begin()
    consumers = await inventory(desk).consumers(tx, "secret/", "app")
    assert [(one.name, one.version, one.kind) for one in consumers] == [("root", 1, "login")]
    assert sorted(await inventory(desk).readers(tx, "secret/", "app", 1)) == ["root"]
    assert await inventory(desk).readers(tx, "secret/", "app", 2) == {}
    assert await inventory(desk).facts(tx, "secret/", "app") == FACTS
    assert await inventory(desk).facts(tx, "gone/", "app") == {}


async def test_an_ordinary_token_sees_none_of_it(desk: Desk) -> None:
    await put(desk, "app")
    nobody = await token(desk, "nobody", 'path "secret/*" { capabilities = ["read"] }')
    for path in ("reports/all", "secrets/secret/app", "fingerprints", "fingerprints/filter", "facts"):
        with pytest.raises(PermissionDenied):
            await desk.ask(Operation.READ, f"inventory/{path}", token=nobody)
