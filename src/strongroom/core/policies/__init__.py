"""Policies: their text, their names, and the access-control list made of them."""

from strongroom.core.policies.acl import ACL, Decision, compile_acl, hold_to_page
from strongroom.core.policies.defaults import DEFAULT_POLICY
from strongroom.core.policies.policy import Capability, Policy, Rule, parse_policy
from strongroom.core.policies.templates import AliasFacts, GroupFacts, Subject, rendered
from strongroom.framework.policy_names import (
    assignable_names,
    canonical_name,
    canonical_names,
    deletable_name,
    writable_name,
)

__all__ = [
    "ACL",
    "DEFAULT_POLICY",
    "AliasFacts",
    "Capability",
    "Decision",
    "GroupFacts",
    "Policy",
    "Rule",
    "Subject",
    "assignable_names",
    "canonical_name",
    "canonical_names",
    "compile_acl",
    "deletable_name",
    "hold_to_page",
    "parse_policy",
    "rendered",
    "writable_name",
]
