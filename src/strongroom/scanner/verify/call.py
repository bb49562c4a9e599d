"""A live call as data: what a `[detector.verify]` or `[detector.revoke]` table says.

Keys: `method`, `url`, `headers`, `body`; `live`, `dead`, `done` (statuses) with
`live_body` and `dead_body`; `reach` (JSON paths, or `header:NAME`); `sign` (a scheme
of `signing`); `hosts` (what the URL's host may be where it is not fixed); `effects`
(what the call leaves behind: it is made only for a type that is named). Parts of a
call: `with` (detectors, by `|`, whose nearby match fills it), `near` (a regex over
the text around, group 1) and `parts` (a regex over the secret, group 1); one whose
name ends in `?` may be missing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
OWN = frozenset({"secret", "secret_b64", "host"})  # placeholders that every call has
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
NEVER_TELLING = frozenset({408, 425, 429})  # with 5xx: the server said nothing about the credential


class Call(NamedTuple):
    """One table, read. `wanted` maps a part to the detectors that fill it."""

    method: str
    url: str
    headers: dict[str, str]
    body: str
    live: frozenset[int]
    dead: frozenset[int]
    done: frozenset[int]
    live_body: str
    dead_body: str
    reach: tuple[str, ...]
    wanted: dict[str, tuple[str, ...]]
    near: dict[str, str]
    optional: frozenset[str]
    own: dict[str, str]
    hosts: tuple[str, ...]
    sign: str
    effects: str

    @property
    def host(self) -> str:
        """The host the URL names, with its placeholders; "" where the secret is the whole URL."""
        return urlsplit(self.url).netloc


def read(table: dict[str, Any]) -> Call:
    """Read a table that the loader has accepted."""
    wanted = {name.rstrip("?"): tuple(ids.split("|")) for name, ids in table.get("with", {}).items()}
    near = {name.rstrip("?"): shape for name, shape in table.get("near", {}).items()}
    return Call(
        table["method"].upper(),
        table["url"],
        dict(table.get("headers", {})),
        table.get("body", ""),
        frozenset(table.get("live", ())),
        frozenset(table.get("dead", ())),
        frozenset(table.get("done", ())),
        table.get("live_body", ""),
        table.get("dead_body", ""),
        tuple(table.get("reach", ())),
        wanted,
        near,
        frozenset(name[:-1] for key in ("with", "near") for name in table.get(key, {}) if name.endswith("?")),
        dict(table.get("parts", {})),
        tuple(table.get("hosts", ())),
        table.get("sign", ""),
        table.get("effects", ""),
    )


def problems(table: dict[str, Any], known: Collection[str], *, revoke: bool = False) -> list[str]:
    """Say what is wrong with a table; `known` are the ids of all detectors."""
    from strongroom.scanner.verify.signing import SCHEMES  # noqa: PLC0415 (for this check alone)

    call = read(table)
    found = [f"method `{call.method}`"] if call.method not in METHODS else []
    found += [
        f"`with` names no detector: {id}" for ids in call.wanted.values() for id in ids if id not in known
    ]
    found += [f"unknown scheme `{call.sign}`"] if call.sign and call.sign not in SCHEMES else []
    found += _place_problems(call) + _text_problems(call) + _status_problems(call, revoke=revoke)
    return found


def _place_problems(call: Call) -> list[str]:
    """Only https, and a host that the detector itself names."""
    if call.url not in ("{secret}", "https://{secret}"):
        if not call.url.startswith("https://") or "@" in call.host:
            return [f"url is not https: {call.url}"]
        if "{secret}" in call.host:
            return [f"the secret is part of a host name: {call.url}"]
        if not PLACEHOLDER.search(call.host) or call.host == "{host}" or fixed_suffix(call.host):
            return []
    return [] if call.hosts else ["the host is not fixed, so `hosts` must say what it may be"]


def fixed_suffix(host: str) -> str:
    """The end of a host that no placeholder can change: two labels or more, with the dot before them."""
    tail = host.rpartition("}")[2]
    return tail if tail.startswith(".") and tail.count(".") >= 2 else ""


def _text_problems(call: Call) -> list[str]:
    given = OWN | set(call.wanted) | set(call.near) | set(call.own)
    used = set(PLACEHOLDER.findall(" ".join((call.url, *call.headers.values()))))
    found = [f"nothing fills {{{name}}}" for name in sorted(used - given)]
    shapes = {**call.own, **call.near}
    for name, text in (("live_body", call.live_body), ("dead_body", call.dead_body), *shapes.items()):
        try:
            groups = re.compile(text).groups
        except re.error as error:
            found.append(f"`{name}`: {error}")
            continue
        if name in shapes and groups != 1:
            found.append(f"`{name}` has no group 1")
    if not call.sign and not re.search(r"\{(?:secret|secret_b64)\}", f"{call.url}{call.headers}{call.body}"):
        found.append("the secret is nowhere in the call")
    return found + [f"`{name}` is ours to set" for name in call.headers if name.lower() in _OURS]


_OURS = ("user-agent", "host", "content-length", "connection", "accept-encoding")


def _status_problems(call: Call, *, revoke: bool) -> list[str]:
    found = [
        f"status {status} says nothing about the credential"
        for status in sorted(call.live | call.dead | call.done)
        if status in NEVER_TELLING or not 200 <= status < 500
    ]
    if revoke:
        return found if call.done else [*found, "`done` is missing"]
    if not call.live:
        found.append("`live` is missing")
    if call.live & call.dead and not (call.live_body and call.dead_body):
        found.append("a status is in `live` and in `dead`, so both bodies must be told apart")
    return found


@lru_cache(maxsize=512)
def pattern(text: str) -> re.Pattern[str]:
    """A body pattern, compiled once."""
    return re.compile(text)
