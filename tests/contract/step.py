"""One request of a conversation, and what later requests need from its answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_NAME = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Step:
    """A request. `{name}` in path, body, token or headers is what an earlier step kept under that name.

    `keep` maps names to places in the answer, such as `auth.client_token`.
    """

    method: str
    path: str
    body: Any = None
    token: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def filled(value: Any, kept: Mapping[str, str]) -> Any:
    """The value with the kept names put in."""
    if isinstance(value, str):
        return _NAME.sub(lambda found: kept.get(found[1], found[0]), value)
    if isinstance(value, dict):
        return {name: filled(member, kept) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(member, kept) for member in value]
    return value


def found(body: Any, place: str) -> str:
    """What stands at a dotted place of an answer; empty when nothing does."""
    for name in place.split("."):
        if isinstance(body, list):
            body = body[int(name)] if int(name) < len(body) else None
        else:
            body = body.get(name) if isinstance(body, dict) else None
    return "" if body is None else str(body)
