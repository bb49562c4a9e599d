"""Templated policies: `{{identity.entity.name}}` and its kin in a rule's path.

A value goes in as one opaque part of a segment, never as syntax (GHSA-59w7): a value
that holds `/`, `*`, `+` or braces, or that is missing, gives no rule. A deny whose
value cannot be filled in then denies everything below the text before it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from strongroom.core.policies.policy import Policy, Rule

_DIRECTIVE = re.compile(r"\{\{([^{}]*)\}\}")
_SYNTAX = frozenset("/*+{}\\")


@dataclass(frozen=True, slots=True)
class AliasFacts:
    """An entity's name at one auth mount."""

    id: str
    name: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    custom_metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A group the entity belongs to."""

    id: str
    name: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who the templates are about. `aliases` are by mount accessor, each accessor once."""

    id: str
    name: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, AliasFacts] = field(default_factory=dict)
    groups: Sequence[GroupFacts] = ()


def rendered(policy: Policy, subject: Subject | None) -> Policy:
    """The policy as it holds for `subject`; rules that cannot be filled in fall away."""
    if not policy.templated:
        return policy
    rules = (render_rule(rule, subject) for rule in policy.rules)
    return replace(policy, rules=tuple(rule for rule in rules if rule), templated=False)


def render_rule(rule: Rule, subject: Subject | None) -> Rule | None:
    """One rule with its values in place, or None; see the module's text for denials."""
    if "{{" not in rule.path:
        return rule
    out, last = "", 0
    for directive in _DIRECTIVE.finditer(rule.path):
        out += rule.path[last : directive.start()]
        value = lookup(directive[1].strip(), subject)
        if not opaque(value):
            return replace(rule, path=out.removesuffix("+") + "*") if rule.denies else None
        out += value
        last = directive.end()
    return replace(rule, path=out + rule.path[last:])


def opaque(value: str) -> bool:
    """Whether a value can stand inside one segment without meaning anything."""
    return bool(value) and value not in (".", "..") and value.isprintable() and not _SYNTAX & set(value)


def lookup(directive: str, subject: Subject | None) -> str:
    """The value a directive names; empty when there is none."""
    if subject is None:
        return ""
    if directive.startswith("identity.entity."):
        return _entity(directive.removeprefix("identity.entity."), subject)
    if directive.startswith("identity.groups."):
        return _group(directive.removeprefix("identity.groups."), subject.groups)
    return ""


def _entity(part: str, subject: Subject) -> str:
    if part.startswith("aliases."):
        accessor, _, rest = part.removeprefix("aliases.").partition(".")
        alias = subject.aliases.get(accessor)
        return _alias(rest, alias) if alias else ""
    return _named(part, {"id": subject.id, "name": subject.name}, metadata=subject.metadata)


def _alias(part: str, alias: AliasFacts) -> str:
    plain = {"id": alias.id, "name": alias.name}
    return _named(part, plain, metadata=alias.metadata, custom_metadata=alias.custom_metadata)


def _group(part: str, groups: Sequence[GroupFacts]) -> str:
    kind, _, rest = part.partition(".")
    key, _, what = rest.partition(".")
    for group in groups:
        if (kind == "ids" and group.id == key) or (kind == "names" and group.name == key):
            return _named(what, {"id": group.id, "name": group.name}, metadata=group.metadata)
    return ""


def _named(part: str, plain: Mapping[str, str], **maps: Mapping[str, str]) -> str:
    table, dot, key = part.partition(".")
    if dot:
        return maps.get(table, {}).get(key, "")
    return plain.get(part, "")
