"""A namespace's life: making, describing, locking, deleting it; and what a crash or a conflict leaves."""

import itertools

import pytest

from strongroom.core.namespaces import record, registry
from strongroom.errors import (
    InvalidRequest,
    NotFound,
    PermissionDenied,
    StrongroomError,
    Unavailable,
    UpstreamFailed,
)
from strongroom.framework import Operation
from strongroom.system.ceremonies import Permissions
from tests.namespaces.house import Tenants, text_of
from tests.suites.house import House

NO_NAMES = (
    "root", "sys", "auth", "audit", "cubbyhole", "identity", "inventory", "a+b", "a*b", "a b", "{{x}}", ".hidden",
    "x" * 129, "kv",
)  # fmt: skip


async def test_what_cannot_be_a_namespace_is_refused(house: Tenants) -> None:
    await house.write("sys/mounts/kv/deep", {"type": "kv"})
    for name, namespace in itertools.product(NO_NAMES, ("", "a")):
        with pytest.raises(InvalidRequest):
            await house.write(f"sys/namespaces/{name}", namespace=namespace)


async def test_one_with_a_seal_of_its_own_is_refused_and_not_made_without(house: Tenants) -> None:
    with pytest.raises(InvalidRequest, match="no seal of its own"):
        await house.write("sys/namespaces/sealed", {"seal": {"type": "shamir"}})
    with pytest.raises(NotFound):
        await house.read("sys/namespaces/sealed")


async def test_a_mount_does_not_move_to_another_namespace(house: Tenants) -> None:
    for source, target in (("a/kv", "b/moved"), ("kv", "a/moved"), ("a/kv", "a/in/moved")):
        with pytest.raises(InvalidRequest):
            await house.write("sys/remount", {"from": source, "to": target})
    assert await house.of("a/kv/x") == "a"


async def test_one_is_made_in_the_namespace_it_belongs_to(house: Tenants) -> None:
    with pytest.raises(InvalidRequest, match="holds no '/'"):
        await house.write("sys/namespaces/a/in")
    made = (await house.write("sys/namespaces/new", {"custom_metadata": {"team": "x"}}, namespace="a")).data
    assert made["path"] == "a/new/"
    assert made["custom_metadata"] == {"team": "x"}
    assert (await house.read("sys/namespaces/new", namespace="a")).data == made
    with pytest.raises(NotFound):
        await house.read("sys/namespaces/new")


async def test_listing_is_of_one_level_and_scanning_of_all(house: Tenants) -> None:
    assert (await house.list("sys/namespaces")).data["keys"] == ["a/", "b/"]
    assert (await house.list("sys/namespaces", namespace="a")).data["keys"] == ["in/"]
    scanned = (await house.ask(Operation.SCAN, "sys/namespaces")).data
    assert scanned["keys"] == ["a/", "a/in/", "b/"]
    assert scanned["key_info"]["a/in/"]["path"] == "a/in/"
    with pytest.raises(NotFound):
        await house.list("sys/namespaces", namespace="b")


async def test_metadata_is_replaced_by_a_write_and_merged_by_a_patch(house: Tenants) -> None:
    before = (await house.write("sys/namespaces/a", {"custom_metadata": {"x": "1", "y": "2"}})).data
    patched = await house.ask(Operation.PATCH, "sys/namespaces/a", {"custom_metadata": {"x": None, "z": "3"}})
    assert patched.data["custom_metadata"] == {"y": "2", "z": "3"}
    assert patched.data["uuid"] == before["uuid"]
    with pytest.raises(InvalidRequest):
        await house.ask(Operation.PATCH, "sys/namespaces/nope", {"custom_metadata": {}})
    assert await house.of("kv/x", namespace="a") == "a"


async def test_a_mount_and_a_namespace_never_share_a_place(house: Tenants) -> None:
    for path in ("a", "a/deep", "b"):
        with pytest.raises(InvalidRequest, match="namespace"):
            await house.write(f"sys/mounts/{path}", {"type": "kv"})
    await house.write("sys/mounts/one/two", {"type": "kv"})
    with pytest.raises(InvalidRequest, match="existing mount"):
        await house.write("sys/namespaces/one")
    for source, target in (("one/two", "a/two"), ("one/two", "b")):
        with pytest.raises(InvalidRequest, match="namespace"):
            await house.write("sys/remount", {"from": source, "to": target})


async def test_deleting_closes_at_once_and_leaves_no_row(house: Tenants) -> None:
    await house.write("sys/auth/userpass", {"type": "userpass"}, namespace="b")
    token = await house.tenant("b")
    batch = await house.token_of("b", "mine", type="batch")
    await house.write("cubbyhole/c", {"x": 1}, namespace="b", token=token)
    uuids = [
        mount.uuid for mount in (await house.core.namespaces.of(await uuid_of(house, "b"))).mounts.values()
    ]
    space = await uuid_of(house, "b")
    answer = await house.delete("sys/namespaces/b")
    assert answer.data["status"] == "in-progress"
    for path, namespace, asker in (("kv/x", "b", "root"), ("kv/x", "b", token), ("sys/mounts", "", token)):
        with pytest.raises((NotFound, PermissionDenied)):
            await house.read(path, namespace=namespace, token=asker)
    with pytest.raises(InvalidRequest, match="being deleted"):
        await house.write("sys/namespaces/b")
    await house.jobs()
    tx = house.core.barrier.begin()
    for prefix in (f"space/{space}", f"expire/id/@{space}", f"token/space/{space}", "namespace/b"):
        assert not await tx.scan(prefix)
    for uuid in uuids:
        assert not await tx.scan(f"mount/{uuid}/")
    again = await house.write("sys/namespaces/b")
    assert again.data["uuid"] != space
    for old in (token, batch):
        with pytest.raises(PermissionDenied):
            await house.read("sys/mounts", namespace="b", token=old)
    with pytest.raises(NotFound):
        await house.read("kv/x", namespace="b")
    assert await house.of("kv/x", namespace="a") == "a"


async def uuid_of(house: Tenants, path: str) -> str:
    space = await house.core.namespaces.at(path)
    assert space is not None
    return space.uuid


async def test_what_is_below_is_deleted_only_when_asked_for(house: Tenants) -> None:
    with pytest.raises(InvalidRequest, match="below"):
        await house.delete("sys/namespaces/a")
    token = await house.tenant("a/in")
    await house.delete("sys/namespaces/a", query={"recursive": "true"})
    with pytest.raises((NotFound, PermissionDenied)):
        await house.read("kv/x", namespace="a/in", token=token)
    await house.jobs()
    assert (await house.list("sys/namespaces")).data["keys"] == ["b/"]
    assert not await house.core.barrier.begin().scan("namespace/a")


async def test_deleting_what_is_not_there_says_so(house: Tenants) -> None:
    assert (await house.delete("sys/namespaces/nope")).warnings


async def test_a_write_under_way_fails_when_its_namespace_is_closed(house: Tenants) -> None:
    core = house.core
    begin, closed = core.barrier.begin, False

    async def write_late() -> None:
        await house.write("kv/late", {"of": "late"}, namespace="b")

    def slow(moment: int = 0) -> object:
        tx = begin(moment)
        commit = tx.commit

        async def after_the_end() -> None:
            nonlocal closed
            if not closed and tx.dirty:
                closed = True
                await house.delete("sys/namespaces/b")
            await commit()

        tx.commit = after_the_end  # a commit that comes late
        return tx

    core.barrier.begin = slow  # type: ignore[assignment, method-assign]  # late commits
    with pytest.raises((NotFound, PermissionDenied)):
        await write_late()
    assert closed


async def test_a_lock_closes_a_namespace_and_all_below_it(house: Tenants) -> None:
    token = await house.tenant("a/in")
    key = (await house.write("sys/namespaces/api-lock/lock/a")).data["unlock_key"]
    for namespace, asker in (("a", "root"), ("a/in", "root"), ("a/in", token)):
        with pytest.raises(Unavailable, match="'a/' is locked"):
            await house.read("kv/x", namespace=namespace, token=asker)
    assert (await house.read("sys/namespaces/a")).data["locked"]
    assert await house.of("kv/x", namespace="b") == "b"
    with pytest.raises(InvalidRequest, match="locked already"):
        await house.write("sys/namespaces/api-lock/lock/a")
    with pytest.raises(InvalidRequest, match="incorrect"):
        await house.write("sys/namespaces/api-lock/unlock/a", {"unlock_key": "guess"})
    await house.write("sys/namespaces/api-lock/unlock", {"unlock_key": key}, namespace="a")
    assert await house.of("kv/x", namespace="a/in", token=token) == "a/in"
    with pytest.raises(InvalidRequest, match="not locked"):
        await house.write("sys/namespaces/api-lock/unlock/a", {"unlock_key": key})


async def test_without_the_key_unlocking_takes_sudo(house: Tenants) -> None:
    await house.policy("", "locksmith", 'path "sys/namespaces/api-lock/*" { capabilities = ["update"] }')
    token = await house.token(policies=["locksmith"])
    await house.write("sys/namespaces/api-lock/lock/a", token=token)
    with pytest.raises(InvalidRequest, match="sudo"):
        await house.write("sys/namespaces/api-lock/unlock/a", token=token)
    assert (await house.write("sys/namespaces/api-lock/unlock/a")).warnings
    with pytest.raises(InvalidRequest, match="root"):
        await house.write("sys/namespaces/api-lock/lock")


async def test_names_below_are_shown_to_those_with_a_right_in_them(house: Tenants) -> None:
    await house.policy(
        "",
        "some",
        'path "a/in/kv/x" { capabilities = ["read"] } path "sys/internal/*" { capabilities = ["read"] }',
    )
    token = await house.token(policies=["some"])
    seen = await house.read("sys/internal/ui/namespaces", token=token)
    assert seen.data["keys"] == ["a/", "a/in/"]


async def test_while_sealed_the_status_answers_whatever_the_namespace(house: Tenants) -> None:
    assert (await house.read("sys/seal-status", namespace="a", token=None)).data
    await house.write("sys/seal", {})
    for namespace in ("a", "nope"):
        assert (await house.read("sys/seal-status", namespace=namespace, token=None)).data["sealed"]
        with pytest.raises(StrongroomError):
            await house.read("kv/x", namespace=namespace)
    await house.unseal()
    assert await house.of("kv/x", namespace="a") == "a"


async def test_a_server_knows_its_namespaces_again_after_a_restart(house: Tenants) -> None:
    token = await house.tenant("a")
    again = House(Permissions(), {}, storage=house.storage)
    again.core.initialized, again.shares, again.root = True, house.shares, house.root
    await again.unseal()
    assert (await again.read("a/kv/x", token=token)).data
    assert len(again.core.namespaces._realms) == 1


async def test_as_many_as_there_are_few_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "IN_MEMORY", 8)
    house = await House.opened()
    for number in range(20):
        await house.write(f"sys/namespaces/n{number}")
        await house.read("sys/policies/acl/default", namespace=f"n{number}")
    assert len(house.core.namespaces._realms) == len(house.core.namespaces._uuids) == 8
    assert (await house.read("sys/policies/acl/default", namespace="n0")).data


async def test_orphaned_roles_do_not_carry_a_parents_policies_into_a_namespace(house: Tenants) -> None:
    await house.policy("a", "mine", 'path "kv/*" { capabilities = ["read"] }')
    await house.write("auth/token/roles/r", {"allowed_policies": "mine"}, namespace="a")
    made = await house.write("auth/token/create/r", {}, namespace="a")
    assert await house.of("kv/x", namespace="a", token=text_of(made)) == "a"
    await house.write("auth/token/roles/any", {}, namespace="a")
    with pytest.raises(InvalidRequest):
        await house.write("auth/token/create/any", {"policies": ["root"]}, namespace="a")


@pytest.mark.parametrize("stop", [0, 1, 2, 4, 6, 9])
async def test_a_deletion_cut_short_goes_on_after_a_restart(
    house: Tenants, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tenant("b")
    space = await uuid_of(house, "b")
    await house.delete("sys/namespaces/b")
    begin, left = house.core.barrier.begin, stop

    def short_lived(moment: int = 0) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise UpstreamFailed("the power is gone")
        return begin(moment)

    with monkeypatch.context() as cut:
        cut.setattr(house.core.barrier, "begin", short_lived)
        await house.jobs()
    house.clock.advance(3600)
    await house.jobs()
    tx = begin()
    for prefix in (f"space/{space}", f"expire/id/@{space}", f"token/space/{space}", "namespace/b"):
        assert not await tx.scan(prefix)


async def test_namespaces_nest_so_deep_and_no_deeper(house: Tenants) -> None:
    above = "b"
    for depth in range(record.DEEPEST - 1):
        await house.write(f"sys/namespaces/d{depth}", namespace=above)
        above = f"{above}/d{depth}"
    with pytest.raises(InvalidRequest, match="deep"):
        await house.write("sys/namespaces/more", namespace=above)
    await house.delete("sys/namespaces/b", query={"recursive": "true"})
    await house.jobs()
    assert (await house.list("sys/namespaces")).data["keys"] == ["a/"]
