"""Parameter constraints of a rule: how they merge and what they let through.

Source: Vault's `allowed_parameters`, `denied_parameters` and `required_parameters`.
Stricter than Vault where a spelling would slip past: among denied values, numbers and truth
values also compare by their text, and a denied value inside a list is found.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from strongroom.core.policies.policy import Parameters, Rule


def merged(mine: Parameters | None, other: Parameters | None) -> Parameters | None:
    """Both constraints over one path: names unite, values too, and an empty list (any value) stays empty."""
    if not other:
        return mine
    if mine is None:
        return other
    found = dict(mine)
    for name, values in other.items():
        both = name in found and values and found[name]
        found[name] = (*values, *found[name]) if both else () if name in found else values
    return found


def refusal(rule: Rule, fields: Mapping[str, Any]) -> str:
    """Which constraint of the rule the fields break, or empty. Names fields, never values."""
    for name in rule.required:
        if name not in fields:  # not in another spelling, which the handler would not read
            return f"parameter '{name}' is required"
    if rule.denied and fields:
        if "*" in rule.denied:
            return "no parameters are allowed"
        for name, value in fields.items():
            if (values := rule.denied.get(name.lower())) is not None and _denied(value, values):
                return f"parameter '{name}' has a denied value"
    return _not_allowed(rule.allowed, fields) if rule.allowed else ""


def _not_allowed(allowed: Parameters, fields: Mapping[str, Any]) -> str:
    rest = "*" in allowed
    for name, value in fields.items():
        values = allowed.get(name.lower())
        if values is None and not rest:
            return f"parameter '{name}' is not allowed"
        if values and not any(_alike(item, value) and same(item, value) for item in values):
            return f"parameter '{name}' has a value that is not allowed"
    return ""


def _alike(item: Any, value: Any) -> bool:
    """Whether both are text, truth values or numbers: what is allowed is not allowed in another form."""
    numbers = (int, float)
    return type(item) is type(value) or (type(item) in numbers and type(value) in numbers)


def _denied(value: Any, values: Sequence[Any]) -> bool:
    members = value if isinstance(value, list) else ()
    return not values or any(same(item, candidate) for item in values for candidate in (value, *members))


def same(item: Any, value: Any) -> bool:
    """Whether a request's value is the listed one; text may have `*` at either end."""
    scalars = (str, bool, int, float)
    if not isinstance(item, scalars) or not isinstance(value, scalars):
        return type(item) is type(value) and bool(item == value)
    return _matches(_text(item), _text(value))


def _text(value: str | bool | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _matches(pattern: str, value: str) -> bool:
    """A pattern of one character is that character, `*` included."""
    if len(pattern) < 2:
        return pattern == value
    start, end = pattern.endswith("*"), pattern.startswith("*")
    if start and end:
        return pattern[1:-1] in value
    if start:
        return value.startswith(pattern[:-1])
    return value.endswith(pattern[1:]) if end else value == pattern
