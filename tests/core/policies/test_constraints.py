"""What a granting rule still asks: parameters, wrapping times, pages, expiry."""

from collections.abc import Mapping
from typing import Any

import pytest

from strongroom.core.policies import ACL, compile_acl, hold_to_page, parse_policy
from strongroom.framework import Operation

READ, LIST, WRITE = Operation.READ, Operation.LIST, Operation.WRITE


def acl(*texts: str, now: float = 0.0) -> ACL:
    return compile_acl([parse_policy(f"p{n}", text) for n, text in enumerate(texts)], now=now)


def grant(path: str, *capabilities: str, **rest: str) -> str:
    more = " ".join(f"{key} = {value}" for key, value in rest.items())
    listed = ", ".join(f'"{capability}"' for capability in capabilities)
    return f'path "{path}" {{ capabilities = [{listed}] {more} }}\n'


def fields(**values: Any) -> Any:
    return lambda: values


def allows(policy: ACL, values: Mapping[str, Any], operation: Operation = WRITE) -> bool:
    return policy.check("a", operation, fields=lambda: values).allowed


@pytest.mark.parametrize(
    ("limits", "values", "allowed"),
    [
        ({"allowed_parameters": '{ x = ["1*"] }'}, {"x": "12"}, True),
        ({"allowed_parameters": '{ x = ["1*"] }'}, {"x": "21"}, False),
        ({"allowed_parameters": '{ x = ["*1"] }'}, {"x": "21"}, True),
        ({"allowed_parameters": '{ x = ["*1*"] }'}, {"x": "213"}, True),
        ({"allowed_parameters": '{ x = ["*"] }'}, {"x": "y"}, False),
        ({"allowed_parameters": "{ x = [] }"}, {"x": "any"}, True),
        ({"allowed_parameters": "{ x = [] }"}, {"y": "any"}, False),
        ({"allowed_parameters": "{ x = [] }"}, {"X": "any"}, True),
        ({"allowed_parameters": "{ x = [] }"}, {}, True),
        ({"allowed_parameters": '{ "*" = [] }'}, {"y": "any"}, True),
        ({"allowed_parameters": '{ x = ["1"], "*" = [] }'}, {"x": "1", "y": 2}, True),
        ({"allowed_parameters": '{ x = ["1"], "*" = [] }'}, {"x": "2"}, False),
        ({"allowed_parameters": "{ x = [5, true] }"}, {"x": 5}, True),
        ({"allowed_parameters": "{ x = [5, true] }"}, {"x": "true"}, False),
        ({"allowed_parameters": "{ x = [1] }"}, {"x": True}, False),
        ({"allowed_parameters": '{ x = [["a"]] }'}, {"x": ["a"]}, True),
        ({"allowed_parameters": '{ x = ["a"] }'}, {"x": ["a"]}, False),
        ({"allowed_parameters": '{ x = ["a"] }'}, {"x": None}, False),
        ({"denied_parameters": '{ x = ["1"] }'}, {"x": "1"}, False),
        ({"denied_parameters": '{ x = ["1"] }'}, {"x": 1}, False),
        ({"denied_parameters": '{ x = ["1"] }'}, {"x": ["2", "1"]}, False),
        ({"denied_parameters": '{ x = ["1"] }'}, {"x": "2"}, True),
        ({"denied_parameters": "{ x = [] }"}, {"X": "2"}, False),
        ({"denied_parameters": '{ "*" = [] }'}, {"y": "2"}, False),
        ({"denied_parameters": '{ "*" = [] }'}, {}, True),
        ({"required_parameters": '["x"]'}, {"X": ""}, False),
        ({"required_parameters": '["x"]'}, {"y": ""}, False),
        ({"required_parameters": '["x"]'}, {}, False),
    ],
)
def test_parameters(limits: dict[str, str], values: dict[str, Any], allowed: bool) -> None:
    policy = acl(grant("a", "update", "read", "patch", **limits))
    for operation in (WRITE, READ, Operation.PATCH):
        assert allows(policy, values, operation) is allowed


def test_a_broken_constraint_is_named_without_the_value() -> None:
    decision = acl(grant("a", "update", denied_parameters='{ x = ["c*"] }')).check(
        "a", WRITE, fields=fields(x="canary")
    )
    assert decision.reason == "parameter 'x' has a denied value on 'a' (rule 'a')"


@pytest.mark.parametrize(
    ("first", "second", "values", "allowed"),
    [
        ('{ x = ["1"] }', '{ x = ["2"] }', {"x": "1"}, True),
        ('{ x = ["1"] }', "{ x = [] }", {"x": "9"}, True),
        ('{ x = ["1"] }', "{ y = [] }", {"y": "9", "x": "1"}, True),
        ('{ x = ["1"] }', "{ y = [] }", {"x": "2"}, False),
    ],
)
def test_allowed_parameters_of_two_policies_merge(
    first: str, second: str, values: dict[str, Any], allowed: bool
) -> None:
    for pair in ((first, second), (second, first)):
        policy = acl(*(grant("a", "update", allowed_parameters=one) for one in pair))
        assert allows(policy, values) is allowed


def test_an_unlimited_rule_does_not_lift_anothers_limits() -> None:
    for texts in ((grant("a", "update"), grant("a", "update", denied_parameters="{ x = [] }")),):
        for ordered in (texts, texts[::-1]):
            assert not allows(acl(*ordered), {"x": 1})


@pytest.mark.parametrize(
    ("limits", "ttl", "allowed"),
    [
        ({"min_wrapping_ttl": "60"}, 0, False),
        ({"min_wrapping_ttl": "60"}, 59, False),
        ({"min_wrapping_ttl": "60"}, 60, True),
        ({"max_wrapping_ttl": '"1m"'}, 0, False),
        ({"max_wrapping_ttl": '"1m"'}, 60, True),
        ({"max_wrapping_ttl": '"1m"'}, 61, False),
    ],
)
def test_wrapping_times(limits: dict[str, str], ttl: int, allowed: bool) -> None:
    assert acl(grant("a", "read", **limits)).check("a", READ, wrap_ttl=ttl).allowed is allowed


def test_the_shorter_wrapping_time_holds_and_a_contradiction_allows_nothing() -> None:
    both = acl(grant("a", "read", max_wrapping_ttl="60"), grant("a", "read", max_wrapping_ttl="30"))
    assert not both.check("a", READ, wrap_ttl=40).allowed
    crossed = acl(grant("a", "read", min_wrapping_ttl="60"), grant("a", "read", max_wrapping_ttl="30"))
    assert not any(crossed.check("a", READ, wrap_ttl=ttl).allowed for ttl in (0, 30, 45, 60, 90))


@pytest.mark.parametrize(
    ("required", "values", "allowed"),
    [
        (False, {}, True),
        (True, {}, False),
        (False, {"limit": "5"}, True),
        (False, {"limit": 6}, False),
        (False, {"limit": "x"}, False),
        (True, {"limit": "max"}, True),
    ],
)
def test_pages_are_limited(required: bool, values: dict[str, Any], allowed: bool) -> None:
    more = {"required_parameters": '["limit"]'} if required else {}
    decision = acl(grant("a/", "list", pagination_limit="5", **more)).check("a", LIST, fields=lambda: values)
    assert decision.allowed is allowed
    assert decision.limit == 5


@pytest.mark.parametrize(
    ("sent", "limit", "held"),
    [
        ({}, 5, {"limit": 5}),
        ({"limit": "max"}, 5, {"limit": 5}),
        ({"limit": "max"}, 0, {"limit": 0}),
        ({"limit": "3"}, 5, {"limit": "3"}),
        ({}, 0, {}),
    ],
)
def test_a_listing_gets_its_page_size(sent: dict[str, Any], limit: int, held: dict[str, Any]) -> None:
    hold_to_page(sent, limit)
    assert sent == held


def test_expired_rules_grant_nothing() -> None:
    text = grant("a", "read", expiration='"2030-01-01T00:00:00Z"')
    assert acl(text, now=1893455999.0).valid_until == 1893456000.0
    assert acl(text, now=1893455999.0).check("a", READ).allowed
    assert not acl(text, now=1893456000.0).check("a", READ).allowed
    assert acl(text, now=1893456000.0).valid_until == float("inf")
