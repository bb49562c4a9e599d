"""Compares two answers: status and body, after what must differ (ids, times, tokens) is made alike."""

import re
from typing import Any

from tests.contract.peers import Answer

_ALIKE = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "<time>"),
    (re.compile(r"^(hv|sr)?[sbr]\.[A-Za-z0-9_-]{20,}$|^s\.[A-Za-z0-9]{24}$"), "<token>"),
    (re.compile(r"^([a-z_]+)_[0-9a-z]{8}$"), r"\1_<accessor>"),
    (re.compile(r"^[A-Za-z0-9]{24}$"), "<accessor>"),
    (re.compile(r"^[A-Za-z0-9+/]{43}=$|^[0-9a-f]{64}$"), "<bytes>"),
)
_TIMES = frozenset(
    {"creation_time", "ttl", "lease_duration", "last_renewal_time", "creation_ttl", "secret_id_ttl"}
)
_SLACK = 5


def differences(ours: Answer, theirs: Answer) -> list[str]:
    """What differs, one line each: `status`, `+place` ours only, `-place` theirs only, `~place` value."""
    lines = []
    if ours.status != theirs.status:
        lines.append(f"status {ours.status}, theirs {theirs.status}")
    kinds = [answer.headers.get("content-type", "") for answer in (ours, theirs)]
    if kinds[0] != kinds[1] and ours.body is not None:
        lines.append(f"type {kinds[0]!r}, theirs {kinds[1]!r}")
    lines.extend(_compared("", ours.body, theirs.body))
    return lines


def _compared(place: str, ours: Any, theirs: Any) -> list[str]:
    name = place.rpartition(".")[2]
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return _members(place, ours, theirs)
    if name == "warnings" and ours and theirs:
        return []
    if name == "errors" and isinstance(ours, list) and isinstance(theirs, list):
        # Wording is ours; whether there is any is the contract.
        return [] if bool(ours) == bool(theirs) else [f"~{place} {ours!r}, theirs {theirs!r}"]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = zip(ours, theirs, strict=True)
        return [line for at, pair in enumerate(pairs) for line in _compared(f"{place}.{at}", *pair)]
    return [] if _same(name, ours, theirs) else [f"~{place} {ours!r}, theirs {theirs!r}"]


def _members(place: str, ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    lines = [f"+{place}.{name}" for name in sorted(ours.keys() - theirs.keys())]
    lines += [f"-{place}.{name} {theirs[name]!r}" for name in sorted(theirs.keys() - ours.keys())]
    for name in sorted(ours.keys() & theirs.keys()):
        lines += _compared(f"{place}.{name}", ours[name], theirs[name])
    return lines


def _same(name: str, ours: Any, theirs: Any) -> bool:
    if type(ours) is not type(theirs):
        return False
    if name in _TIMES and isinstance(ours, int):
        return bool(abs(ours - theirs) <= _SLACK)
    if isinstance(ours, str):
        return _alike(ours) == _alike(theirs)
    return bool(ours == theirs)


def _alike(text: str) -> str:
    for pattern, name in _ALIKE:
        text = pattern.sub(name, text)
    return text
