"""A request from a call, the secret and its parts; every value is encoded for where it stands."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

from strongroom.errors import InvalidRequest
from strongroom.scanner.verify import call as calls
from strongroom.scanner.verify import signing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from strongroom.scanner.verify.call import Call

AGENT = "strongroom/0.1.0 (live check of a found credential)"
_BASIC = re.compile(r"\{basic:((?:[^{}]|\{[a-z0-9_]+\})*)\}")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_HOST = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*", re.ASCII)
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


class Request(NamedTuple):
    """One request over https. `named` says that the user named the host, so it may be a private one."""

    method: str
    host: str
    port: int
    target: str
    headers: dict[str, str]
    body: bytes
    named: bool = False

    def __repr__(self) -> str:
        return f"Request({self.method} {self.host})"


def fill(call: Call, secret: bytes, parts: Mapping[str, str], host: str = "") -> Request:
    """Make the request. `host` is one that the user named (`NAME[:PORT]`); it replaces the URL's.

    Raises InvalidRequest, which says nothing of the values, when one does not fit its place.
    """
    try:
        text = secret.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise InvalidRequest("the value is no text") from None
    values = {**parts, **own_parts(call, text), "secret": text}
    values["secret_b64"] = base64.b64encode(text.encode()).decode()
    named, port, path = _place(call, values, host)
    headers = {"User-Agent": AGENT, "Accept": "application/json"}
    headers |= {name: _header(value, values) for name, value in call.headers.items()}
    body = _body(call, values, headers)
    request = Request(call.method, named, port, path, headers, body, bool(host))
    return signing.SCHEMES[call.sign](request, values) if call.sign else request


def own_parts(call: Call, text: str) -> dict[str, str]:
    """The parts that stand within the secret. Raises InvalidRequest when it does not hold one."""
    found = {}
    for name, shape in call.own.items():
        match = calls.pattern(shape).search(text)
        if match is None:
            raise InvalidRequest(f"the value holds no `{name}`")
        found[name] = match[1]
    return found


def _place(call: Call, values: Mapping[str, str], host: str) -> tuple[str, int, str]:
    """The host, port and path with query that the call goes to."""
    if call.url in ("{secret}", "https://{secret}"):
        url = values["secret"] if call.url == "{secret}" else "https://" + values["secret"]
        try:
            parts = urlsplit(url)
        except ValueError:
            raise InvalidRequest("the value is no URL") from None
        if parts.scheme != "https" or parts.netloc.lower() != (parts.hostname or ""):
            raise InvalidRequest("the URL is not https with a plain host")
        path = quote(parts.path, safe="/:@!$&'()*+,;=~%") + (
            "?" + quote(parts.query, safe="/:@!$&'()*+,;=~%?") if parts.query else ""
        )
        return _allowed(call, parts.hostname or ""), 443, path or "/"
    template, _, query = call.url.removeprefix("https://").partition("?")
    named, _, path = template.partition("/")
    path = "/" + _filled(path, values, _segment)
    if any(part in (".", "..") for part in path.split("/")):
        raise InvalidRequest("the value does not fit into a path")
    path += "?" + _filled(query, values, _quoted) if query else ""
    if host:
        return *_named(host), path
    if named == "{host}":
        raise InvalidRequest("its host is not known: name it with --verify-host")
    return _allowed(call, _filled(named, values, _host_part)), 443, path


def _named(host: str) -> tuple[str, int]:
    name, _, port = host.partition(":")
    if not _HOST.fullmatch(name) or (port and not port.isdecimal()):
        raise InvalidRequest(f"`{host}` is no host")
    return name.lower(), int(port or 443)


def _allowed(call: Call, host: str) -> str:
    """`host`, if the detector names it: outright, by its fixed end, or in `hosts` (`*.` is any label)."""
    host = host.lower()
    tail = calls.fixed_suffix(call.host)
    known = host == call.host or (tail and host.endswith(tail))
    known = known or any(
        host.endswith(entry[1:]) if entry.startswith("*.") else host == entry for entry in call.hosts
    )
    if not known or not _HOST.fullmatch(host):
        raise InvalidRequest("the host is none of this provider's")
    return host


def _filled(template: str, values: Mapping[str, str], encode: Callable[[str, str], str]) -> str:
    return calls.PLACEHOLDER.sub(
        lambda m: encode(m[1], values[m[1]]) if m[1] in values else m[0],
        template,
    )


def _segment(name: str, value: str) -> str:
    """Part of a path; only the secret itself may have several segments (webhooks do)."""
    return quote(value, safe="/:@+~" if name == "secret" else "@")


def _quoted(_name: str, value: str) -> str:
    return quote(value, safe="")


def _host_part(_name: str, value: str) -> str:
    if not _HOST.fullmatch(value) or len(value) > 200:
        raise InvalidRequest("a part does not fit into a host name")
    return value


def _header(template: str, values: Mapping[str, str]) -> str:
    def encoded(match: re.Match[str]) -> str:
        return base64.b64encode(_filled(match[1], values, _plain).encode()).decode()

    value = _filled(_BASIC.sub(encoded, template), values, _plain)
    if not value.isascii() or not value.isprintable():
        raise InvalidRequest("the value does not fit into a header")
    return value


def _plain(_name: str, value: str) -> str:
    return value


def _body(call: Call, values: Mapping[str, str], headers: dict[str, str]) -> bytes:
    if not call.body:
        return b""
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if not kind:
        kind = headers["Content-Type"] = _JSON if call.body[0] in "{[" else _FORM
    encode = _json_text if "json" in kind or "graphql" in kind else _quoted
    return _filled(call.body, values, encode).encode()


def _json_text(_name: str, value: str) -> str:
    return json.dumps(value)[1:-1]


def described(call: Call, parts: Mapping[str, str], host: str = "") -> list[str]:
    """The request for people: parts filled in, the secret left as a word."""
    shown = {**parts, "secret": "<secret>", "secret_b64": "<secret, base64>", "host": host or "<host>"}
    shown |= {name: f"<{name} of the secret>" for name in call.own}
    url = _filled(call.url, shown, _plain)
    if host:
        url = url.replace(f"https://{_filled(call.host, shown, _plain)}", f"https://{host}", 1)
    lines = [f"{call.method} {url}"]
    lines += [f"{name}: {_filled(value, shown, _plain)}" for name, value in call.headers.items()]
    lines += [f"signed: {call.sign}"] if call.sign else []
    return lines + (["", _filled(call.body, shown, _plain)] if call.body else [])
