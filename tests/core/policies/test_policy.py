"""From a policy's text to its rules, and policy names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.core.policies import (
    DEFAULT_POLICY,
    Capability,
    assignable_names,
    canonical_name,
    canonical_names,
    deletable_name,
    parse_policy,
    writable_name,
)
from strongroom.core.policies.policy import Rule
from strongroom.errors import InvalidRequest


def rule(body: str, path: str = "a") -> Rule:
    (only,) = parse_policy("p", f'path "{path}" {{ {body} }}').rules
    return only


@pytest.mark.parametrize(
    ("body", "capabilities"),
    [
        ('capabilities = ["read", "list"]', Capability.READ | Capability.LIST),
        ('capabilities = ["read"] capabilities = ["list"]', Capability.READ | Capability.LIST),
        ('capabilities = ["read", "deny"]', Capability.DENY),
        ('capabilities = ["read", "recover"]', Capability.READ),
        (
            'capabilities = ["patch", "scan", "subscribe", "sudo"]',
            Capability.PATCH | Capability.SCAN | Capability.SUBSCRIBE | Capability.SUDO,
        ),
        ("", Capability(0)),
        ('policy = "deny"', Capability.DENY),
        ('policy = "read"', Capability.READ | Capability.LIST),
        ('policy = "write" capabilities = ["patch"]', Capability(2 + 4 + 8 + 16 + 32 + 128)),
        ('policy = "sudo"', Capability(2 + 4 + 8 + 16 + 32 + 64)),
    ],
)
def test_capabilities(body: str, capabilities: Capability) -> None:
    assert rule(body).capabilities == capabilities


def test_constraints() -> None:
    read = rule(
        'capabilities = ["update"] comment = "x" min_wrapping_ttl = "5s" max_wrapping_ttl = 60'
        ' allowed_parameters = { "A" = [], b = ["x*", 1, true] } denied_parameters { c = [{d = 1}, [2]] }'
        ' required_parameters = ["A", "a", "b"] pagination_limit = "7" expiration = "2030-01-01T00:00:00Z"'
    )
    assert read.allowed == {"a": (), "b": ("x*", 1, True)}
    assert read.denied == {"c": ({"d": 1}, [2])}
    assert read.required == ("a", "b")
    assert (read.min_wrapping_ttl, read.max_wrapping_ttl, read.pagination_limit) == (5, 60, 7)
    assert read.expires == 1893456000.0


def test_parameters_set_twice_add_up() -> None:
    assert rule("allowed_parameters = {a = []} allowed_parameters = {b = []}").allowed == {"a": (), "b": ()}


@pytest.mark.parametrize(("body", "expires"), [('expiration = ""', 0.0), ("expiration = 5", 5.0)])
def test_expiry_forms(body: str, expires: float) -> None:
    assert rule(body).expires == expires


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('path "a" { capabilities = ["foo"] }', 'at 1:1: path "a": invalid capability "foo"'),
        ('path "a" { capabilities = ["READ"] }', "invalid capability"),
        ('path "a" { capabilities = "read" }', "capabilities: a list of text"),
        ('path "a" { capabilities = [1] }', "capabilities: a list of text"),
        ('path "a" { policy = "x" }', 'invalid policy "x"'),
        ('\n path "a" { bogus = 1 }', 'at 2:2: path "a": invalid key "bogus" at 2:13'),
        ('pth "a" {}', 'at 1:1: invalid key "pth"'),
        ('path = "a"', "a path block has one label and a body"),
        ('path "a" "b" {}', "a path block has one label and a body"),
        ('path "a/+*" {}', "'+*' is forbidden"),
        ('path "a{{x" {}', "unbalanced templating"),
        ('path "a}}" {}', "unbalanced templating"),
        ('path "a" { min_wrapping_ttl = "x" }', "min_wrapping_ttl: a duration"),
        ('path "a" { min_wrapping_ttl = 5 max_wrapping_ttl = 3 }', "max_wrapping_ttl cannot be less"),
        ('path "a" { pagination_limit = 1.5 }', "pagination_limit: a number"),
        ('path "a" { pagination_limit = -1 }', "pagination_limit: a number"),
        ('path "a" { pagination_limit = true }', "pagination_limit: a number"),
        ('path "a" { allowed_parameters = "x" }', "allowed_parameters: an object of lists"),
        ('path "a" { denied_parameters = {a = "x"} }', 'denied_parameters: "a" at 1:33 is no list'),
        ('path "a" { expiration = "soon" }', "expiration: a time"),
        ('path "a" { expiration = "2030-01-01" }', "expiration: a time zone"),
        ('path "a" { mfa_methods = ["x"] }', "mfa_methods is not supported"),
        ('path "a" { control_group = {} }', "control_group is not supported"),
        ('path "a" { list_scan_response_keys_filter_path = "x" }', "is not supported"),
    ],
)
def test_faults_are_named(text: str, problem: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_policy("p", text)
    assert str(caught.value).startswith("failed to parse policy: at ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"path": {"a": {"capabilities": ["read"]}, "b/*": {"policy": "read"}}}',
        '{"path": [{"a": {"capabilities": ["read"]}}, {"b/*": {"policy": "read"}}]}',
        'name = "x" path "a" { capabilities = ["read"] } path "/b/*" { policy = "read" }',
    ],
)
def test_json_and_hcl_say_the_same(text: str) -> None:
    assert [r.path for r in parse_policy("p", text).rules] == ["a", "b/*"]


@pytest.mark.parametrize("text", ["", "  ", "# nothing", "{}", "path {}"])
def test_a_policy_may_be_empty(text: str) -> None:
    assert parse_policy("p", text).rules == ()


def test_the_built_in_policies_parse() -> None:
    rules = {name: parse_policy(name, text) for name, text in DEFAULT_POLICY.items()}
    assert set(rules) == {"default", "response-wrapping"}
    assert rules["default"].templated is True
    assert [r.path for r in rules["response-wrapping"].rules] == ["cubbyhole/response", "sys/wrapping/unwrap"]


@pytest.mark.parametrize("name", ["root", "ROOT", " root", "Root\t", "\u00a0root", "root\n"])
def test_root_in_any_spelling_is_refused(name: str) -> None:
    for check in (writable_name, deletable_name):
        with pytest.raises(InvalidRequest, match="root"):
            check(name)
    with pytest.raises(InvalidRequest, match="root"):
        assignable_names(["dev", name])


def test_built_in_names() -> None:
    assert writable_name("Default") == "default"
    for name in ("default", "response-wrapping"):
        with pytest.raises(InvalidRequest, match="cannot delete"):
            deletable_name(name)
    with pytest.raises(InvalidRequest, match="cannot update"):
        writable_name("response-wrapping")
    assert deletable_name("Dev") == "dev"


@pytest.mark.parametrize("name", ["", "  ", "\t", "a\x00b", "a\nb", "x" * 513])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(InvalidRequest):
        canonical_name(name)


@given(st.text(max_size=20))
def test_a_canonical_name_is_its_own(name: str) -> None:
    try:
        canonical = canonical_name(name)
    except InvalidRequest:
        return
    assert canonical_name(canonical) == canonical
    assert canonical_names([name, canonical]) == (canonical,)
