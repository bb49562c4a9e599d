"""Declared targets against a real issuer: no key is left behind, no secret in a path, nothing becomes syntax."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import InvalidRequest, PermissionDenied
from strongroom.rotation import FailedRotation, Neighbours
from strongroom.storage.memory import MemoryStorage
from tests.engines.database.dying import DyingStorage, Killed
from tests.rotation import issuer as issuing
from tests.rotation.house import House
from tests.rotation.issuer import ADMIN, FIND, SLOTS, Issuer, declaration


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing.running() as running:
        yield running


def fields(data: Any) -> dict[str, str]:
    """The members of a secret's data, as read."""
    found: dict[str, str] = msgspec.json.decode(data["data"])
    return found


class Told:
    """Who hears of failures."""

    def __init__(self) -> None:
        self.failed: list[FailedRotation] = []

    async def __call__(self, tx: BarrierTransaction, failed: FailedRotation) -> None:
        self.failed.append(failed)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def house(issuer: Issuer, told: Told) -> AsyncIterator[House]:
    made = await House.begun(Neighbours(on_failure=told), [issuer.place])
    await begin(made, issuer)
    yield made
    await made.core.seal()


async def begin(house: House, issuer: Issuer, **more: Any) -> None:
    """The application's key as it is before the first rotation, and a plan."""
    made, value = issuer.make("by hand")
    await house.write("kv/data/admin", {"data": {"token": ADMIN}})
    await house.write("kv/data/app/api", {"data": {"id": made, "api_key": value, "region": "eu"}})
    await house.write(
        "rotation/plans/api", {"target": declaration(issuer, **more), "grace": 100, "attempts": 3}
    )


async def test_a_key_is_replaced_and_the_old_one_dies(house: House, issuer: Issuer) -> None:
    old = (await house.read("kv/data/app/api")).data
    rotation = await house.rotate("api", reason="yearly")
    await house.work()
    new = (await house.read("kv/data/app/api")).data
    values = [fields(one) for one in (old, new)]
    assert values[0]["api_key"] != values[1]["api_key"]
    assert values[1]["region"] == "eu"
    assert all(issuer.takes(value["api_key"]) for value in values)
    versions = (await house.read("kv/metadata/app/api")).data["versions"]
    assert {number: one.get("label") for number, one in versions.items()} == {"1": "previous", "2": "current"}
    assert versions["2"]["created_by"]["name"] == "rotation:api"
    assert versions["2"]["reason"] == "yearly"
    previous = (await house.read("kv/data/app/api", query={"label": "previous"})).data
    assert fields(previous) == values[0]
    await house.until(rotation, "done")
    assert not issuer.takes(values[0]["api_key"])
    assert list(issuer.keys) == [values[1]["id"]]
    versions = (await house.read("kv/metadata/app/api")).data["versions"]
    assert {number: one.get("label") for number, one in versions.items()} == {"1": None, "2": "current"}
    assert not await house.core.barrier.begin().scan("mount/rotation/held/")


async def test_a_key_that_does_not_work_is_taken_back(house: House, issuer: Issuer, told: Told) -> None:
    """It is never given out; the old one stays."""
    before = (await house.read("kv/data/app/api")).data
    issuer.refuse.add("GET /v1/me")
    rotation = await house.rotate("api")
    for _ in range(40):
        await house.work()
        house.clock.advance(5)
        if told.failed:
            break
    issuer.refuse.clear()
    ended = await house.until(rotation, "failed")
    assert (ended["error"], ended["failed_step"]) == ("UpstreamFailed", "verify")
    assert [(one.step, one.standing) for one in told.failed] == [("verify", "old")]
    assert (await house.read("kv/data/app/api")).data == before
    assert before["metadata"]["version"] == 1
    assert list(issuer.keys) == [fields(before)["id"]]
    assert (await house.plan("api"))["failures"] == 1


async def in_slots(house: House, issuer: Issuer) -> str:
    """A secret whose key is in the first of two slots, and its plan; returns the key."""
    value = issuer.fill("one")
    await house.write("kv/data/app/slots", {"data": {"api_key": value}})
    target = declaration(issuer, **{**SLOTS, "secret": "kv/app/slots"})
    await house.write("rotation/plans/slots", {"target": target, "grace": 100, "attempts": 2})
    return value


async def test_two_slots_take_turns_and_the_first_rotation_spares_the_one_in_force(
    house: House, issuer: Issuer
) -> None:
    values = [await in_slots(house, issuer)]
    for slot in ("two", "one", "two"):
        rotation = await house.rotate("slots")
        await house.until(rotation, "grace")
        values.append(fields((await house.read("kv/data/app/slots")).data)["api_key"])
        assert issuer.keys[slot][1] == values[-1]
        assert issuer.takes(values[-2])
        await house.until(rotation, "done")
        assert not issuer.takes(values[-2])
        assert issuer.takes(values[-1])


async def test_taking_a_slot_back_leaves_the_other_one_in_force(house: House, issuer: Issuer) -> None:
    value = await in_slots(house, issuer)
    issuer.refuse.add("GET /v1/me")
    rotation = await house.rotate("slots")
    for _ in range(40):
        await house.work()
        house.clock.advance(5)
        if (await house.rotation(rotation))["state"] == "undoing":
            break
    issuer.refuse.clear()
    await house.until(rotation, "failed")
    assert issuer.takes(value)
    assert "two" not in issuer.keys


async def test_an_old_key_that_does_not_die_is_told_once_and_tried_for_ever(
    house: House, issuer: Issuer, told: Told
) -> None:
    issuer.refuse.add("DELETE")
    rotation = await house.rotate("api")
    for _ in range(200):
        await house.work()
        house.clock.advance(600)
    shown = await house.rotation(rotation)
    assert (shown["state"], shown["failed_step"]) == ("retiring", "retire")
    assert [one.standing for one in told.failed] == ["new"]
    issuer.refuse.clear()
    await house.until(rotation, "done", step=4000)
    assert len(issuer.keys) == 1


@pytest.mark.parametrize("find", [False, True], ids=["idempotent", "looks"])
async def test_an_answer_that_is_lost_leaves_no_key(house: House, issuer: Issuer, find: bool) -> None:
    issuer.forgetful = find
    if find:
        await house.write("rotation/plans/api", {"target": declaration(issuer, find=FIND)})
    issuer.lose_answer = True
    rotation = await house.rotate("api")
    await house.until(rotation, "done")
    assert len(issuer.keys) == 1
    assert list(issuer.keys) == [fields((await house.read("kv/data/app/api")).data)["id"]]


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("commit", range(1, 18))
async def test_killed_at_any_commit_one_key_lives(issuer: Issuer, commit: int, after: bool) -> None:
    storage = DyingStorage(MemoryStorage())
    house = await House.begun(outbound=[issuer.place], storage=storage)
    issuer.forgetful = True
    await begin(house, issuer, find=FIND)
    storage.kill_at(commit, after=after)
    with pytest.raises(Killed):
        await house.until(await house.rotate("api", grace=1), "done")
    storage.dead = False
    again = await house.again()
    if (commit, after) == (1, False):
        await again.rotate("api")
    rotation = (await again.list("rotation/plans/api/history")).data["keys"][0]
    await again.until(rotation, "done", step=61)
    assert list(issuer.keys) == [fields((await again.read("kv/data/app/api")).data)["id"]]
    await again.core.seal()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"url": "http://example.com"}, "https"),
        ({"url": "https://169.254.169.254"}, "does not allow"),
        ({"url": "https://user:word@127.0.0.1"}, "no user"),
        ({"retire": {"path": "/keys/{{old.api_key}}"}}, "may be secret"),
        ({"retire": {"path": "/../x"}}, r"\.\."),
        ({"retire": {"path": "keys"}}, "begins with"),
        ({"verify": {"path": "/me", "headers": {"Authorization": "Bearer abc"}}}, "keep it in a secret"),
        ({"verify": {"path": "/me", "headers": {"Host": "other"}}}, "frames the request"),
        ({"verify": {"path": "/me", "headers": {"X-A": "a\r\nB: c"}}}, "printable"),
        ({"verify": {"path": "/me", "headers": {"X-A": "{{admin.token}}"}}}, "cannot use"),
        ({"create": {"path": "/k", "secret": {"api_key": "/b"}, "facts": {"id": "/a"}}}, "repeated"),
        ({"create": {"method": "POST", "path": "/k/{{key}}"}}, "where it comes from"),
        ({"create": {"path": "/{{key}}", "secret": {"api_key": "b"}, "facts": {"id": "/a"}}}, "pointer"),
        ({"create": {"method": "TRACE", "path": "/k"}}, "target.create.method"),
        ({"surprise": 1}, "surprise"),
        ({"secret": "cubbyhole/x"}, "no mount of kind kv"),
        ({"slots": ["one"]}, "two different"),
        ({"find": {"path": "/keys", "each": "/keys", "facts": {"id": "/id"}}}, "look for"),
    ],
)
async def test_a_declaration_that_could_do_harm_is_refused(
    house: House, issuer: Issuer, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said):
        await house.write("rotation/plans/other", {"target": declaration(issuer, **changed)})


@pytest.mark.parametrize("hostile", ["..", "a/../../admin", "x\r\nY: z", "", "a\\b"])
async def test_an_id_that_would_lead_elsewhere_is_not_sent(
    house: House, issuer: Issuer, hostile: str
) -> None:
    value = fields((await house.read("kv/data/app/api")).data)["api_key"]
    await house.write("kv/data/app/api", {"data": {"id": hostile, "api_key": value}})
    rotation = await house.rotate("api")
    for _ in range(60):
        await house.work()
        house.clock.advance(30)
    assert (await house.rotation(rotation))["state"] == "retiring"
    assert not [asked for asked in issuer.asked if asked.startswith("DELETE")]


async def test_a_plan_lends_nobody_rights(house: House, issuer: Issuer) -> None:
    """Whoever may write plans but not read the secrets of others cannot have them rotated or shown."""
    rules = 'path "rotation/*" { capabilities = ["create", "read", "update"] }\n'
    await house.write("sys/policies/acl/plans", {"policy": rules})
    only_plans = await house.token(policies=["plans"], no_default_policy=True)
    with pytest.raises(PermissionDenied, match="kv/data/app/api"):
        await house.write("rotation/plans/api", {"target": declaration(issuer)}, token=only_plans)
    with pytest.raises(PermissionDenied, match="kv/data/app/api"):
        await house.read("rotation/plans/api/credentials", token=only_plans)
    more = rules + 'path "kv/data/app/*" { capabilities = ["read", "update"] }\n'
    await house.write("sys/policies/acl/plans", {"policy": more})
    with pytest.raises(PermissionDenied, match="kv/data/admin"):
        await house.write("rotation/plans/api", {"target": declaration(issuer)}, token=only_plans)
    await house.read("rotation/plans/api/credentials", token=only_plans)


async def test_no_entry_or_row_in_the_open_holds_a_key(house: House, issuer: Issuer) -> None:
    rotation = await house.rotate("api")
    await house.work()
    new = fields((await house.read("kv/data/app/api")).data)["api_key"]
    await house.until(rotation, "done")
    log = b"".join(house.log.lines)
    assert new.encode() not in log
    assert ADMIN.encode() not in log
    steps = [one for one in house.log.entries() if f"rotations/{rotation}/" in one["request"]["path"]]
    done = [one["request"]["path"].rpartition("/")[2] for one in steps if one["type"] == "response"]
    for step in ("prepare", "create", "distribute", "verify", "publish", "retire", "verify-dead", "finish"):
        assert step in done
    assert {one["auth"]["display_name"] for one in steps} == {"rotation:api"}
