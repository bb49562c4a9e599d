"""A policy: named rules over paths, read from HCL or JSON.

Source: Vault's policy syntax; behaviour compared with OpenBao by the differential tests.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntFlag
from typing import Any

from strongroom.core.policies.hcl import Item, Object, Value, parse
from strongroom.errors import InvalidRequest
from strongroom.framework.wire import seconds


class Capability(IntFlag):
    """What a rule grants. `DENY` stands alone."""

    DENY = 1
    CREATE = 2
    READ = 4
    UPDATE = 8
    DELETE = 16
    LIST = 32
    SUDO = 64
    PATCH = 128
    SCAN = 256
    SUBSCRIBE = 512


Parameters = Mapping[str, tuple[Any, ...]]

_CAPABILITIES = {member.name.lower(): member for member in Capability if member.name}
_READ = Capability.READ | Capability.LIST
_WRITE = _READ | Capability.CREATE | Capability.UPDATE | Capability.DELETE
_LEGACY = {
    "deny": Capability.DENY,
    "read": _READ,
    "write": _WRITE,
    "sudo": _WRITE | Capability.SUDO,
}
_REFUSED = {
    "mfa_methods": "is not supported: require a second factor at the auth method",
    "control_group": "is not supported",
    "list_scan_response_keys_filter_path": "is not supported: grant list on narrower paths",
}
_KNOWN = frozenset(
    {
        "policy", "capabilities", "allowed_parameters", "denied_parameters", "required_parameters",
        "min_wrapping_ttl", "max_wrapping_ttl", "pagination_limit", "expiration", "comment", *_REFUSED,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """One `path` block. `path` is as written, without a leading slash.

    Times are in seconds, 0 for none; `expires` in seconds since the epoch. `policy`
    names where it came from. Parameter names are lower case.
    """

    path: str
    capabilities: Capability
    allowed: Parameters | None = None
    denied: Parameters | None = None
    required: tuple[str, ...] = ()
    min_wrapping_ttl: int = 0
    max_wrapping_ttl: int = 0
    pagination_limit: int = 0
    expires: float = 0.0
    policy: str = ""

    @property
    def denies(self) -> bool:
        """Whether the rule refuses everything."""
        return bool(self.capabilities & Capability.DENY)

    @property
    def segmented(self) -> bool:
        """Whether a `+` stands for one segment, or the path has one that looks like it (as Vault decides)."""
        return self.path == "+" or "/+" in self.path or self.path.startswith("+/")


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy. `templated` says that some path holds `{{…}}` and differs by caller."""

    name: str
    rules: tuple[Rule, ...]
    text: str = ""
    templated: bool = False


def parse_policy(name: str, text: str) -> Policy:
    """Read a policy.

    Raises InvalidRequest with the place and the path of the fault.
    """
    try:
        rules = tuple(_rule(name, *block) for block in _blocks(parse(text)))
    except InvalidRequest as error:
        raise InvalidRequest(f"failed to parse policy: {error}") from None
    return Policy(name, rules, text, any("{{" in rule.path for rule in rules))


def _blocks(root: Object) -> list[tuple[str, Object, str]]:
    """Each `path` block as (path, body, where)."""
    found: list[tuple[str, Object, str]] = []
    for item in root.items:
        if item.keys[0] == "path":
            found += _paths(item)
        elif item.keys[0] != "name":
            raise InvalidRequest(f'at {item.where}: invalid key "{item.keys[0]}"')
    return found


def _paths(item: Item) -> list[tuple[str, Object, str]]:
    """One block `path "x" {…}`, or JSON's `"path": {"x": {…}}`, or a list of such objects."""
    if len(item.keys) == 2 and isinstance(item.value, Object):
        return [(item.keys[1], item.value, item.where)]
    members = item.value if isinstance(item.value, list) else [item.value]
    found: list[tuple[str, Object, str]] = []
    for member in members if len(item.keys) == 1 else [None]:
        if not isinstance(member, Object):
            raise InvalidRequest(f"at {item.where}: a path block has one label and a body")
        found += [
            entry for child in member.items for entry in _paths(replace(child, keys=("path", *child.keys)))
        ]
    return found


def _rule(policy: str, path: str, body: Object, where: str) -> Rule:
    try:
        return _decode(policy, path, body)
    except InvalidRequest as error:
        place = "" if str(error).startswith("at ") else f"at {where}: "
        raise InvalidRequest(f'{place}path "{path}": {error}') from None


def _decode(policy: str, path: str, body: Object) -> Rule:
    members: dict[str, Value] = {}
    for item in body.items:
        key = item.keys[0]
        if key not in _KNOWN or len(item.keys) > 1:
            raise InvalidRequest(f'invalid key "{key}" at {item.where}')
        if key in _REFUSED:
            raise InvalidRequest(f"{key} {_REFUSED[key]}")
        members[key] = _merged(key, members.get(key), item.value)
    path = checked_path(path)
    capabilities = _capabilities(members)
    rule = Rule(path, capabilities, expires=_expiry(members.get("expiration")), policy=policy)
    return rule if rule.denies else _constrained(rule, members)


def _merged(key: str, earlier: Value, value: Value) -> Value:
    """A key set twice, as HCL 1 has it: lists and objects add up, the last of anything else counts."""
    if isinstance(earlier, list) and isinstance(value, list):
        return earlier + value
    if isinstance(earlier, Object) and isinstance(value, Object):
        return Object(earlier.items + value.items)
    return value


def checked_path(path: str) -> str:
    """A rule's path without its leading slash; raises InvalidRequest for `+*` and unbalanced braces."""
    path = path.removeprefix("/")
    if "+*" in path:
        raise InvalidRequest("invalid use of wildcards ('+*' is forbidden)")
    if re.sub(r"\{\{[^{}]*\}\}", "", path).count("{{") or re.sub(r"\{\{[^{}]*\}\}", "", path).count("}}"):
        raise InvalidRequest("unbalanced templating characters")
    return path


def _capabilities(members: Mapping[str, Value]) -> Capability:
    found = Capability(0)
    legacy = members.get("policy", "")
    if legacy:
        if legacy not in _LEGACY:
            raise InvalidRequest(f'invalid policy "{legacy}"')
        found |= _LEGACY[str(legacy)]
    for name in _texts(members, "capabilities"):
        if name == "recover":
            continue
        if name not in _CAPABILITIES:
            raise InvalidRequest(f'invalid capability "{name}"')
        found |= _CAPABILITIES[name]
    return Capability.DENY if found & Capability.DENY else found


def _constrained(rule: Rule, members: Mapping[str, Value]) -> Rule:
    shortest, longest = _ttl(members, "min_wrapping_ttl"), _ttl(members, "max_wrapping_ttl")
    if longest and shortest > longest:
        raise InvalidRequest("max_wrapping_ttl cannot be less than min_wrapping_ttl")
    return replace(
        rule,
        allowed=_parameters(members, "allowed_parameters"),
        denied=_parameters(members, "denied_parameters"),
        required=tuple(dict.fromkeys(name.lower() for name in _texts(members, "required_parameters"))),
        min_wrapping_ttl=shortest,
        max_wrapping_ttl=longest,
        pagination_limit=_typed(members, "pagination_limit", _limit, 0),
    )


def _limit(value: Value) -> int:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidRequest("a number is expected")
    return value


def _typed(members: Mapping[str, Value], key: str, convert: Callable[[Value], int], default: int) -> int:
    if key not in members:
        return default
    try:
        return convert(members[key])
    except InvalidRequest as error:
        raise InvalidRequest(f"{key}: {error}") from None


def _ttl(members: Mapping[str, Value], key: str) -> int:
    return _typed(members, key, seconds, 0)


def _texts(members: Mapping[str, Value], key: str) -> tuple[str, ...]:
    value = members.get(key, [])
    if not isinstance(value, list) or not all(isinstance(member, str) for member in value):
        raise InvalidRequest(f"{key}: a list of text is expected")
    return tuple(str(member) for member in value)


def _parameters(members: Mapping[str, Value], key: str) -> Parameters | None:
    """Parameter names with their values; an empty list stands for any value."""
    value = members.get(key)
    if value is None:
        return None
    if not isinstance(value, Object):
        raise InvalidRequest(f"{key}: an object of lists is expected")
    found: dict[str, tuple[Any, ...]] = {}
    for item in value.items:
        if len(item.keys) > 1 or not isinstance(item.value, list):
            raise InvalidRequest(f'{key}: "{item.keys[0]}" at {item.where} is no list')
        found[item.keys[0].lower()] = tuple(_plain(member) for member in item.value)
    return found


def _plain(value: Value) -> Any:
    """A parsed value in the form that a request's JSON has."""
    if isinstance(value, Object):
        return {item.keys[0]: _plain(item.value) for item in value.items}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return value


def _expiry(value: Value) -> float:
    if value is None or value == "":
        return 0.0
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise InvalidRequest("expiration: a time such as 2030-01-01T00:00:00Z is expected") from None
    if moment.tzinfo is None:
        raise InvalidRequest("expiration: a time zone is missing")
    return moment.timestamp()
