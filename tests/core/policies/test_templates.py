"""Templated policies: values stand for themselves, never for syntax."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.core.policies import AliasFacts, GroupFacts, Subject, compile_acl, parse_policy, rendered
from strongroom.framework import Operation

ALICE = Subject(
    id="e-1",
    name="alice",
    metadata={"team": "web", "wide": "*", "empty": ""},
    aliases={"acc_1": AliasFacts("a-1", "al", {"dept": "it"}, {"cost": "7"})},
    groups=(GroupFacts("g-1", "ops", {"site": "ber"}),),
)


def paths(path: str, subject: Subject | None = ALICE, capability: str = "read") -> list[str]:
    policy = parse_policy("p", f'path "{path}" {{ capabilities = ["{capability}"] }}')
    assert policy.templated is True
    return [rule.path for rule in rendered(policy, subject).rules]


@pytest.mark.parametrize(
    ("directive", "value"),
    [
        ("identity.entity.id", "e-1"),
        (" identity.entity.name ", "alice"),
        ("identity.entity.metadata.team", "web"),
        ("identity.entity.aliases.acc_1.id", "a-1"),
        ("identity.entity.aliases.acc_1.name", "al"),
        ("identity.entity.aliases.acc_1.metadata.dept", "it"),
        ("identity.entity.aliases.acc_1.custom_metadata.cost", "7"),
        ("identity.groups.ids.g-1.name", "ops"),
        ("identity.groups.names.ops.id", "g-1"),
        ("identity.groups.names.ops.metadata.site", "ber"),
    ],
)
def test_values_are_filled_in(directive: str, value: str) -> None:
    assert paths(f"s/x-{{{{{directive}}}}}/*") == [f"s/x-{value}/*"]


@pytest.mark.parametrize(
    "directive",
    [
        "identity.entity.metadata.wide",
        "identity.entity.metadata.empty",
        "identity.entity.metadata.none",
        "identity.entity.metadata",
        "identity.entity.aliases.acc_2.name",
        "identity.entity.aliases.acc_1",
        "identity.groups.names.dev.id",
        "identity.groups.others.dev.id",
        "identity.groups",
        "time.now",
        "",
    ],
)
def test_what_has_no_opaque_value_gives_no_rule(directive: str) -> None:
    assert paths(f"s/{{{{{directive}}}}}/*") == []


def test_without_an_entity_there_is_no_rule() -> None:
    assert paths("s/{{identity.entity.id}}/*", None) == []


@pytest.mark.parametrize(
    ("path", "denied"),
    [("s/{{identity.entity.metadata.none}}/k", "s/*"), ("s/x-{{identity.entity.metadata.none}}", "s/x-*")],
)
def test_a_denial_without_its_value_denies_all_it_could_mean(path: str, denied: str) -> None:
    assert paths(path, capability="deny") == [denied]


def test_a_policy_without_templates_is_left_alone() -> None:
    policy = parse_policy("p", 'path "a" { capabilities = ["read"] }')
    assert rendered(policy, ALICE) is policy
    mixed = parse_policy("p", 'path "a" {} path "b/{{identity.entity.id}}" {}')
    assert [rule.path for rule in rendered(mixed, ALICE).rules] == ["a", "b/e-1"]


@given(
    name=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12),
    other=st.sampled_from(["x", "alice/x", "a/b/c", "..", "+", "*"]),
)
def test_a_name_opens_its_own_segment_only(name: str, other: str) -> None:
    policy = parse_policy("p", 'path "home/{{identity.entity.name}}/k" { capabilities = ["read"] }')
    acl = compile_acl([rendered(policy, Subject("e", name))])
    if other != name:
        assert not acl.check(f"home/{other}/k", Operation.READ).allowed
    assert not acl.check("home/k", Operation.READ).allowed
