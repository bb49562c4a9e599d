"""What is in a namespace is its own: mounts, policies, tokens, accessors, leases, cubbyholes, roles."""

import itertools

import pytest

from strongroom.errors import InvalidRequest, NotFound, PermissionDenied, StrongroomError, Unavailable
from strongroom.framework import Operation
from tests.namespaces.house import Tenants, text_of


@pytest.mark.parametrize(
    ("namespace", "path", "found"),
    [
        ("a", "kv/x", "a"),
        ("", "a/kv/x", "a"),
        ("b", "kv/x", "b"),
        ("a", "in/kv/x", "a/in"),
        ("a/in", "kv/x", "a/in"),
        ("", "a/in/kv/x", "a/in"),
    ],
)
async def test_header_and_path_name_the_same_namespace(
    house: Tenants, namespace: str, path: str, found: str
) -> None:
    assert await house.of(path, namespace=namespace) == found


@pytest.mark.parametrize(
    ("namespace", "path"), [("", "kv/x"), ("a", "b/kv/x"), ("b", "in/kv/x"), ("a/in", "in/kv/x"), ("", "a")]
)
async def test_where_no_mount_is_nothing_answers(house: Tenants, namespace: str, path: str) -> None:
    with pytest.raises(NotFound, match="no handler"):
        await house.read(path, namespace=namespace)


async def test_an_unknown_namespace_is_told_to_valid_tokens_only(house: Tenants) -> None:
    with pytest.raises(NotFound, match="namespace not found"):
        await house.read("kv/x", namespace="nope")
    with pytest.raises(PermissionDenied):
        await house.read("kv/x", namespace="nope", token="guess")
    with pytest.raises(PermissionDenied):
        await house.read("kv/x", namespace="a", token="guess")


async def test_each_namespace_lists_its_own_mounts_policies_and_accessors(house: Tenants) -> None:
    await house.policy("a", "of-a", 'path "kv/*" { capabilities = ["read"] }')
    await house.token_of("a", "of-a")
    assert set((await house.read("sys/mounts", namespace="a")).data) == {"cubbyhole/", "kv/", "sys/"}
    assert set((await house.read("sys/auth", namespace="a")).data) == {"token/"}
    assert "kv/" not in (await house.read("sys/mounts")).data
    listed = {
        name: (await house.list("sys/policies/acl", namespace=name)).data["keys"]
        for name in ("", "a", "a/in")
    }
    assert listed == {"": ["default", "root"], "a": ["default", "of-a"], "a/in": ["default"]}
    accessors = {
        name: (await house.list("auth/token/accessors", namespace=name)).data["keys"]
        for name in ("", "a", "b")
    }
    assert [len(accessors[name]) for name in ("", "a", "b")] == [1, 1, 0]


async def test_a_token_reaches_its_namespace_and_what_its_policies_name_below(house: Tenants) -> None:
    text = 'path "kv/*" { capabilities = ["read"] } path "in/kv/*" { capabilities = ["read"] }'
    token = await house.tenant("a", text)
    for namespace, path in (("a", "kv/x"), ("", "a/kv/x"), ("a", "in/kv/x"), ("a/in", "kv/x")):
        assert (await house.read(path, namespace=namespace, token=token)).data
    for namespace, path in (("b", "kv/x"), ("", "b/kv/x"), ("", "kv/x"), ("", "sys/mounts")):
        with pytest.raises(PermissionDenied):
            await house.read(path, namespace=namespace, token=token)


@pytest.mark.parametrize("path", ["*", "+/kv/x", "b/kv/x", "../b/kv/x", "/b/kv/*", "+/+/x", ""])
async def test_no_policy_of_a_namespace_reaches_a_sibling(house: Tenants, path: str) -> None:
    text = f'path "{path}" {{ capabilities = ["read", "list", "sudo"] }}'
    try:
        token = await house.tenant("a", text)
    except InvalidRequest:
        return
    for namespace, asked in (("b", "kv/x"), ("", "b/kv/x"), ("", "sys/mounts"), ("b", "sys/mounts")):
        with pytest.raises(PermissionDenied):
            await house.read(asked, namespace=namespace, token=token)


async def test_a_policy_of_the_root_reaches_what_it_names(house: Tenants) -> None:
    await house.policy("", "outer", 'path "a/kv/*" { capabilities = ["read"] }')
    token = await house.token(policies=["outer"])
    assert await house.of("kv/x", namespace="a", token=token) == "a"
    with pytest.raises(PermissionDenied):
        await house.read("kv/x", namespace="b", token=token)


async def test_a_policy_that_changes_takes_effect_at_once(house: Tenants) -> None:
    token = await house.tenant("a")
    assert (await house.read("kv/x", namespace="a", token=token)).data
    await house.policy("a", "mine", 'path "kv/*" { capabilities = ["deny"] }')
    with pytest.raises(PermissionDenied):
        await house.read("kv/x", namespace="a", token=token)


async def test_there_is_no_root_token_in_a_namespace(house: Tenants) -> None:
    for fields in ({"policies": ["root"]}, {"policies": ["default", "ROOT "]}):
        with pytest.raises(InvalidRequest, match="root"):
            await house.write("auth/token/create", fields, namespace="a")
    made = await house.write("auth/token/create", {}, namespace="a")
    assert made.auth is not None
    assert made.auth.policies == ("default",)


async def test_a_token_for_another_namespace_takes_sudo_there(house: Tenants) -> None:
    grant = 'path "a/auth/token/create" { capabilities = ["update"] }'
    await house.policy("", "plain", grant)
    await house.policy("", "mighty", grant.replace('"]', '", "sudo"]'))
    await house.policy("a", "mine", 'path "kv/*" { capabilities = ["read"] }')
    plain, mighty = await house.token(policies=["plain"]), await house.token(policies=["mighty"])
    with pytest.raises(InvalidRequest, match="sudo"):
        await house.write("auth/token/create", {"policies": ["mine"]}, namespace="a", token=plain)
    made = await house.write("auth/token/create", {"policies": ["mine"]}, namespace="a", token=mighty)
    assert await house.of("kv/x", namespace="a", token=text_of(made)) == "a"


async def test_a_policy_of_the_same_name_elsewhere_gives_nothing(house: Tenants) -> None:
    await house.policy("", "mine", 'path "*" { capabilities = ["read"] }')
    token = await house.token_of("a", "mine")
    with pytest.raises(PermissionDenied):
        await house.read("kv/x", namespace="a", token=token)


async def test_a_token_asks_of_itself_without_naming_its_namespace(house: Tenants) -> None:
    token = await house.tenant("a")
    for namespace in ("a", ""):
        found = await house.read("auth/token/lookup-self", namespace=namespace, token=token)
        assert found.data["namespace_path"] == "a/"
    await house.write("auth/token/renew-self", {}, token=token)
    await house.write("auth/token/revoke-self", {}, token=token)
    with pytest.raises(PermissionDenied):
        await house.read("kv/x", namespace="a", token=token)
    assert house.entries()[-3]["request"]["namespace"]["path"] == "a/"


async def test_an_accessor_is_no_right_in_another_namespace(house: Tenants) -> None:
    made = await house.write("auth/token/create", {}, namespace="a")
    assert made.auth is not None
    asked = {"accessor": made.auth.accessor}
    for namespace in ("", "b", "a/in"):
        for path in ("auth/token/lookup-accessor", "auth/token/renew-accessor"):
            with pytest.raises(InvalidRequest, match="accessor"):
                await house.write(path, asked, namespace=namespace)
        answer = await house.write("auth/token/revoke-accessor", asked, namespace=namespace)
        assert answer.warnings
    assert (await house.write("auth/token/lookup-accessor", asked, namespace="a")).data


async def test_leases_of_a_namespace_are_named_in_it_alone(house: Tenants) -> None:
    await house.token_of("a", "default")
    (name,) = (await house.list("sys/leases/lookup/auth/token/create", namespace="a")).data["keys"]
    lease = {"lease_id": f"auth/token/create/{name}"}
    found = await house.write("sys/leases/lookup", lease, namespace="a")
    assert found.data["id"] == lease["lease_id"]
    space = await house.core.namespaces.at("a")
    assert space is not None
    for namespace, asked in (("", lease), ("b", lease), ("", {"lease_id": space.lease(lease["lease_id"])})):
        with pytest.raises(InvalidRequest):
            await house.write("sys/leases/lookup", asked, namespace=namespace)
    with pytest.raises(NotFound):
        await house.list("sys/leases/lookup/")
    with pytest.raises(InvalidRequest):
        await house.write(f"sys/leases/revoke-prefix/@{space.uuid}/auth", {})
    await house.write("sys/leases/revoke-prefix/auth", {}, namespace="b")
    await house.write("sys/leases/revoke-prefix/auth", {})
    assert (await house.write("sys/leases/lookup", lease, namespace="a")).data
    await house.write("sys/leases/revoke-prefix/auth", {}, namespace="a")
    with pytest.raises(InvalidRequest):
        await house.write("sys/leases/lookup", lease, namespace="a")


async def test_leases_are_counted_by_namespace(house: Tenants) -> None:
    for _ in range(3):
        await house.token_of("a", "default")
    counts = {name: (await house.read("sys/leases/count", namespace=name)).data for name in ("", "a", "b")}
    assert [counts[name]["lease_count"] for name in ("", "a", "b")] == [0, 3, 0]
    assert counts["a"]["counts"] == {"auth/token/": 3}


async def test_a_cubbyhole_is_apart_in_each_namespace_and_gone_with_the_token(house: Tenants) -> None:
    token = await house.token(policies=["root"])
    await house.write("cubbyhole/mine", {"of": "root"}, token=token)
    await house.write("cubbyhole/mine", {"of": "a"}, namespace="a", token=token)
    assert await house.of("cubbyhole/mine", token=token) == "root"
    assert await house.of("cubbyhole/mine", namespace="a", token=token) == "a"
    with pytest.raises(NotFound):
        await house.read("cubbyhole/mine", namespace="b", token=token)
    await house.write("auth/token/revoke-self", {}, token=token)
    assert not await house.core.barrier.begin().scan("personal/")


async def test_logins_roles_and_password_policies_are_the_namespaces_own(house: Tenants) -> None:
    await house.write("sys/auth/userpass", {"type": "userpass"}, namespace="a")
    await house.write("auth/userpass/users/ann", {"password": "pw", "token_policies": "mine"}, namespace="a")
    await house.tenant("a")
    made = await house.write("auth/userpass/login/ann", {"password": "pw"}, namespace="a", token=None)
    assert await house.of("kv/x", namespace="a", token=text_of(made)) == "a"
    with pytest.raises(StrongroomError):
        await house.write("auth/userpass/login/ann", {"password": "pw"}, token=None)
    await house.write("auth/token/roles/r", {"allowed_policies": "mine"}, namespace="a")
    rule = 'length = 20 rule "charset" { charset = "abc" }'
    await house.write("sys/policies/password/p", {"policy": rule}, namespace="a")
    assert len((await house.read("sys/policies/password/p/generate", namespace="a")).data["password"]) == 20
    for path in ("auth/token/roles", "sys/policies/password"):
        for namespace in ("", "b"):
            with pytest.raises(NotFound):
                await house.list(path, namespace=namespace)
    with pytest.raises(InvalidRequest):
        await house.write("auth/token/create/r", {}, namespace="b")


async def test_wrapping_tokens_work_from_anywhere_and_end_with_their_namespace(house: Tenants) -> None:
    wrapped = await house.read("kv/x", namespace="a", wrap_ttl=60)
    assert wrapped.wrap is not None
    token = wrapped.wrap.token.reveal()
    unwrapped = await house.write("sys/wrapping/unwrap", {"token": token}, token=None)
    assert unwrapped.raw is not None
    assert b'"of":"a"' in unwrapped.raw.body
    again = await house.read("kv/x", namespace="b", wrap_ttl=60)
    assert again.wrap is not None
    fields = {"token": again.wrap.token.reveal()}
    key = (await house.write("sys/namespaces/api-lock/lock/b")).data["unlock_key"]
    with pytest.raises(Unavailable):
        await house.write("sys/wrapping/unwrap", fields, token=None)
    await house.write("sys/namespaces/api-lock/unlock/b", {"unlock_key": key})
    await house.delete("sys/namespaces/b")
    with pytest.raises(NotFound):
        await house.write("sys/wrapping/unwrap", fields, token=None)
    await house.jobs()
    with pytest.raises(InvalidRequest):
        await house.write("sys/wrapping/unwrap", fields, token=None)


ROOT_ONLY = (
    "sys/seal", "sys/rotate", "sys/audit", "sys/audit/x", "sys/rekey/init", "sys/generate-root/attempt",
    "sys/config/cors", "sys/host-info", "sys/metrics", "sys/jobs", "sys/key-status", "sys/init", "sys/unseal",
    "sys/version-history", "sys/backup", "sys/quotas/config", "sys/quotas/rate-limit/q",
)  # fmt: skip


async def test_only_the_root_namespace_runs_the_server(house: Tenants) -> None:
    operations = (Operation.READ, Operation.WRITE, Operation.LIST, Operation.DELETE)
    for path, operation in itertools.product(ROOT_ONLY, operations):
        for namespace, asked in (("a", path), ("", f"a/{path}"), ("a", f"in/{path}")):
            with pytest.raises(NotFound):
                await house.ask(operation, asked, namespace=namespace)
    assert not house.core.sealed


async def test_capabilities_are_about_paths_inside_the_namespace_asked(house: Tenants) -> None:
    token = await house.tenant("a", 'path "kv/*" { capabilities = ["read"] }')
    inside = await house.write(
        "sys/capabilities-self", {"paths": ["kv/x", "a/kv/x"]}, namespace="a", token=token
    )
    assert inside.data == {"kv/x": ["read"], "a/kv/x": ["deny"]}
    outside = await house.write("sys/capabilities", {"paths": ["kv/x", "a/kv/x"], "token": token})
    assert outside.data == {"kv/x": ["deny"], "a/kv/x": ["read"]}


async def test_clients_find_the_mount_of_a_path_through_namespaces(house: Tenants) -> None:
    token = await house.tenant("a")
    found = await house.read("sys/internal/ui/mounts/kv", namespace="a", token=token)
    assert found.data["path"] == "kv/"
    found = await house.read("sys/internal/ui/mounts/a/kv", token=token)
    assert found.data["path"] == "a/kv/"
    with pytest.raises(PermissionDenied):
        await house.read("sys/internal/ui/mounts/b/kv", token=token)
    seen = await house.read("sys/internal/ui/mounts", namespace="a", token=token)
    assert set(seen.data["secret"]) >= {"kv/"}
    seen = await house.read("sys/internal/ui/mounts", namespace="b", token=token)
    assert seen.data["secret"] == {}


async def test_the_log_names_the_namespace(house: Tenants) -> None:
    await house.read("kv/x", namespace="a")
    space = await house.core.namespaces.at("a")
    assert space is not None
    for entry in house.entries()[-2:]:
        assert entry["request"]["path"] == "kv/x"
        assert entry["request"]["namespace"] == {"id": space.uuid, "path": "a/"}
    await house.read("sys/mounts")
    assert house.entries()[-1]["request"]["namespace"] == {"id": "root"}
