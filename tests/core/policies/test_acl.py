"""Which rule decides for a path, and what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.core.policies import ACL, compile_acl, parse_policy
from strongroom.core.policies.acl import MAX_CACHED
from strongroom.framework import Operation

READ, LIST, WRITE = Operation.READ, Operation.LIST, Operation.WRITE


def acl(*texts: str, now: float = 0.0) -> ACL:
    return compile_acl([parse_policy(f"p{n}", text) for n, text in enumerate(texts)], now=now)


def grant(path: str, *capabilities: str, **rest: str) -> str:
    more = " ".join(f"{key} = {value}" for key, value in rest.items())
    listed = ", ".join(f'"{capability}"' for capability in capabilities)
    return f'path "{path}" {{ capabilities = [{listed}] {more} }}\n'


@pytest.mark.parametrize(
    ("winner", "loser", "path"),
    [
        ("a/b", "a/*", "a/b"),
        ("a/b", "a/+", "a/b"),
        ("a/b/*", "a/*", "a/b/c"),
        ("a/b*", "a/+", "a/bc"),
        ("a/b/+/c", "a/+/b/c", "a/b/b/c"),
        ("a/+/c", "a/+/c*", "a/b/c"),
        ("a/+", "a/*", "a/b"),
        ("a/+/c", "a/+/+", "a/b/c"),
        ("a/+/bc*", "a/+/b*", "a/x/bcd"),
        ("+/b", "+/+", "a/b"),
        ("a/*", "a/+/*", "a/b/c"),
    ],
)
def test_the_most_specific_rule_decides(winner: str, loser: str, path: str) -> None:
    both = acl(grant(winner, "read") + grant(loser, "deny"))
    assert both.check(path, READ).allowed
    assert not acl(grant(winner, "deny") + grant(loser, "read")).check(path, READ).allowed


@pytest.mark.parametrize(
    ("rule", "path", "matches"),
    [
        ("a/*", "a/b/", True),
        ("a/*", "a", False),
        ("a*", "ab/c", True),
        ("*", "x/y", True),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("+", "a", True),
        ("+/b", "a/b", True),
        ("+/b", "a/c", False),
        ("a/+/c*", "a/b/cd/e", True),
        ("a/+/c*", "a/b", False),
        ("a/+b", "a/+b", True),
        ("a/+b", "a/xb", False),
        ("a+", "a+", True),
        ("/a", "a", True),
    ],
)
def test_what_a_rule_matches(rule: str, path: str, matches: bool) -> None:
    assert acl(grant(rule, "read")).check(path, READ).allowed is matches


@pytest.mark.parametrize("spelling", ["x", "x/"])
@pytest.mark.parametrize("operation", [Operation.LIST, Operation.SCAN])
@pytest.mark.parametrize("denied", ["s/x/*", "s/x", "s/x/", "s/+/", "s/x/+", "s/x*"])
def test_a_denial_stops_listing_in_every_spelling(spelling: str, operation: Operation, denied: str) -> None:
    both = acl(grant("s/*", "list", "scan") + grant(denied, "deny"))
    assert not both.check(f"s/{spelling}", operation).allowed


@pytest.mark.parametrize("spelling", ["x", "x/"])
@pytest.mark.parametrize("granted", ["s/x/*", "s/x", "s/x/", "s/+", "s/+/", "s/+/*", "+/x"])
def test_a_listing_may_be_granted_either_way(spelling: str, granted: str) -> None:
    assert acl(grant(granted, "list")).check(f"s/{spelling}", LIST).allowed


@pytest.mark.parametrize(
    ("operation", "exists", "capability"),
    [
        (READ, None, "read"),
        (LIST, None, "list"),
        (Operation.SCAN, None, "scan"),
        (Operation.DELETE, None, "delete"),
        (Operation.PATCH, None, "patch"),
        (WRITE, None, "update"),
        (WRITE, True, "update"),
        (WRITE, False, "create"),
    ],
)
def test_each_operation_needs_its_capability(
    operation: Operation, exists: bool | None, capability: str
) -> None:
    others = {"create", "read", "update", "patch", "delete", "list", "scan", "sudo"} - {capability}
    assert acl(grant("a", capability)).check("a", operation, exists).allowed
    refused = acl(grant("a", *others)).check("a", operation, exists)
    assert not refused.allowed
    assert f"'{capability}' is not granted on 'a'" in refused.reason


def test_reasons_name_path_and_rule() -> None:
    some = acl(grant("a/*", "read"), grant("b", "deny"))
    assert some.check("c", READ).reason == "no rule grants 'read' on 'c'"
    assert some.check("b", READ).reason == "'b' is denied by rule 'b' of policy 'p1'"
    assert "rule 'a/*' of policy 'p0'" in some.check("a/x", WRITE).reason


def test_sudo_is_told_apart() -> None:
    assert acl(grant("a", "read", "sudo")).check("a", READ).sudo
    assert not acl(grant("a", "read")).check("a", READ).sudo


def test_root_may_everything_and_help_is_free() -> None:
    root = compile_acl([], root=True)
    assert root.check("x", WRITE).allowed
    assert root.check("x", WRITE).sudo
    assert root.capabilities("x") == ["root"]
    assert root.any_below("x/")
    assert acl().check("x", Operation.HELP).allowed


def test_rules_over_one_path_add_up_and_a_denial_wins() -> None:
    both = acl(grant("a", "read"), grant("a", "list"))
    assert both.capabilities("a") == ["list", "read"]
    for texts in ((grant("a", "deny"), grant("a", "read")), (grant("a", "read"), grant("a", "deny"))):
        assert acl(*texts).capabilities("a") == ["deny"]


@pytest.mark.parametrize(
    ("rule", "below"),
    [
        ("kv/a/b", True),
        ("kv/*", True),
        ("*", True),
        ("k*", True),
        ("kv/a*", True),
        ("+/a", True),
        ("kv/+/a", True),
        ("kv", True),
        ("other/*", False),
        ("kv2/x", False),
        ("kv/+/*", True),
        ("+/+", True),
        ("other/+", False),
        ("+", True),
        ("kv/x/+", True),
    ],
)
def test_whether_anything_below_a_mount_is_granted(rule: str, below: bool) -> None:
    assert acl(grant(rule, "read")).any_below("kv/") is below
    assert not acl(grant(rule, "deny")).any_below("kv/")


def test_deep_mounts_are_found_too() -> None:
    assert acl(grant("team/kv/+/x", "read")).any_below("team/kv/")
    assert acl(grant("team/+/x*", "read")).any_below("team/kv/xy/z/")
    assert not acl(grant("team/+/x*", "read")).any_below("team/kv/y/")
    assert not acl(grant("+/b", "read")).any_below("a/b/c/")


def test_memory_of_decisions_is_bounded_and_used() -> None:
    policy = acl(grant("a/*", "read"))
    assert policy.check("a/x", READ) is policy.check("a/x", READ)
    for n in range(MAX_CACHED + 10):
        policy.check(f"a/{n}", READ)
    assert len(policy._decided) <= MAX_CACHED


segment = st.sampled_from(["a", "b", "ab", "c"])


paths = st.lists(segment, min_size=1, max_size=4).map("/".join)


rule_paths = st.builds(
    lambda parts, tail: "/".join(parts) + tail,
    st.lists(segment | st.just("+"), min_size=1, max_size=3),
    st.sampled_from(["", "/*", "/", "/a*"]),
)


capability_sets = st.lists(
    st.sampled_from(["read", "list", "update", "deny"]), min_size=1, max_size=2, unique=True
)


rule_sets = st.lists(st.tuples(rule_paths, capability_sets), min_size=1, max_size=5)


def text_of(rules: list[tuple[str, list[str]]]) -> str:
    return "".join(grant(path, *capabilities) for path, capabilities in rules)


@given(rules=rule_sets, path=paths, operation=st.sampled_from([READ, LIST, WRITE]))
def test_a_denial_of_the_very_path_always_holds(
    rules: list[tuple[str, list[str]]], path: str, operation: Operation
) -> None:
    assert not acl(text_of([*rules, (path, ["deny"])])).check(path, operation).allowed


@given(rules=rule_sets, denied=rule_paths, path=paths, operation=st.sampled_from([READ, WRITE]))
def test_adding_a_denial_never_grants(
    rules: list[tuple[str, list[str]]], denied: str, path: str, operation: Operation
) -> None:
    if acl(text_of([*rules, (denied, ["deny"])])).check(path, operation).allowed:
        assert acl(text_of(rules)).check(path, operation).allowed


@given(rules=rule_sets, path=paths)
def test_the_order_of_rules_and_policies_does_not_matter(
    rules: list[tuple[str, list[str]]], path: str
) -> None:
    forward, backward = acl(text_of(rules)), acl(*(text_of([rule]) for rule in reversed(rules)))
    assert forward.capabilities(path) == backward.capabilities(path)
    for operation in (READ, LIST, WRITE):
        assert forward.check(path, operation).allowed == backward.check(path, operation).allowed


@given(rules=rule_sets, path=paths)
def test_listing_is_decided_alike_in_both_spellings(rules: list[tuple[str, list[str]]], path: str) -> None:
    policy = acl(text_of(rules))
    assert policy.check(path, LIST).allowed == policy.check(f"{path}/", LIST).allowed


@given(rules=rule_sets, path=paths, operation=st.sampled_from([READ, WRITE, Operation.DELETE]))
def test_a_slash_at_the_end_slips_past_no_rule(
    rules: list[tuple[str, list[str]]], path: str, operation: Operation
) -> None:
    policy = acl(text_of(rules))
    assert policy.check(f"{path}/", operation).allowed == policy.check(path, operation).allowed


@given(rules=rule_sets, path=paths)
def test_capabilities_agree_with_decisions(rules: list[tuple[str, list[str]]], path: str) -> None:
    policy = acl(text_of(rules))
    names = policy.capabilities(path)
    assert ("read" in names) == policy.check(path, READ).allowed
    assert ("update" in names) == policy.check(path, WRITE, True).allowed
    assert ("list" in policy.capabilities(f"{path}/")) == policy.check(path, LIST).allowed
    if names != ["deny"]:
        assert policy.any_below(path.split("/", maxsplit=1)[0] + "/") or "/" not in path
