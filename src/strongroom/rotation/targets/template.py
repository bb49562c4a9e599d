"""Places in declared requests, and pointers into answers. Data is never syntax.

A value in a path is percent-encoded as one segment, in a form or JSON body encoded as its
text, in a header refused when it could end it. There are no functions.
Source: RFC 6901 (JSON pointer), RFC 3986 §2.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from strongroom.errors import InvalidRequest, UpstreamFailed
from strongroom.rotation.declared import Call
from strongroom.rotation.targets.outlet import Asked, check_headers

PLACE = re.compile(r"\{\{\s*([a-z_]+(?:\.[\w.-]+)?)\s*\}\}", re.ASCII)
Values = Mapping[str, str]


def places(call: Call) -> set[str]:
    """Every place in a call."""
    return {found[1] for text in _texts(call) for found in PLACE.finditer(text)}


def path_places(call: Call) -> set[str]:
    """The places in a call's path."""
    return {found[1] for found in PLACE.finditer(call.path)}


def filled(call: Call, values: Values) -> Asked:
    """The request with its values in place. Raises InvalidRequest for one missing or out of place."""
    headers = {name: _put(text, values, str) for name, text in call.headers.items()}
    body = b""
    if call.body is not None:
        headers.setdefault("Content-Type", "application/json")
        body = msgspec.json.encode(_within(call.body, values))
    elif call.form:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        body = urlencode({name: _put(text, values, str) for name, text in call.form.items()}).encode()
    headers.setdefault("Accept", "application/json")
    check_headers(headers)
    path = _put(call.path, values, _segment)
    return Asked(call.method, path, headers, body)


def text(template: str, values: Values) -> str:
    """One text with its values in place."""
    return _put(template, values, str)


def check(call: Call) -> None:
    """Raise InvalidRequest for a call that could not be sent whatever the values."""
    bare = PLACE.sub("x", call.path)
    if not bare.startswith("/") or bare.startswith("//") or not bare.isascii() or not bare.isprintable():
        raise InvalidRequest("a path begins with '/' and is printable ASCII")
    if re.search(r"[\s#\\]", bare) or "/../" in f"{bare}/" or "/./" in f"{bare}/":
        raise InvalidRequest("a path holds no blanks, '#', '\\' or '..'")
    check_headers({name: PLACE.sub("x", value) for name, value in call.headers.items()})
    for found in _texts(call):
        if "{{" in PLACE.sub("", found):
            raise InvalidRequest("a place reads {{name}} or {{name.field}}")


def check_pointer(pointer: str) -> None:
    """Raise InvalidRequest unless this is a JSON pointer."""
    if pointer and not re.fullmatch(r"(/([^~/]|~[01])*)+", pointer):
        raise InvalidRequest("a JSON pointer begins with '/'; '~' is written ~0 and '/' ~1")


def pointed(document: Any, pointer: str) -> Any:
    """What a JSON pointer leads to. Raises UpstreamFailed when there is nothing."""
    here = document
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and name in here:
            here = here[name]
        elif isinstance(here, list) and name.isdigit() and int(name) < len(here):
            here = here[int(name)]
        else:
            raise UpstreamFailed(f"the answer holds nothing at '{pointer}'")
    return here


def pointed_text(document: Any, pointer: str) -> str:
    """A pointer's value as text: a string or a whole number. Raises UpstreamFailed."""
    value = pointed(document, pointer)
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise UpstreamFailed(f"the answer holds no text at '{pointer}'")


def _put(template: str, values: Values, encode: Callable[[str], str]) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise InvalidRequest(f"there is no value for {{{{{found[1]}}}}}")
        return encode(values[found[1]])

    return PLACE.sub(value, template)


def _segment(value: str) -> str:
    """A value as one segment of a path, or one value of a query."""
    if value in ("", ".", "..") or not re.fullmatch(r"[^/\\\x00-\x1f\x7f]+", value):
        raise InvalidRequest("a value for a path is empty or holds what would lead elsewhere")
    return quote(value, safe="")


def _within(body: Any, values: Values) -> Any:
    if isinstance(body, str):
        return _put(body, values, str)
    if isinstance(body, dict):
        return {name: _within(member, values) for name, member in body.items()}
    if isinstance(body, list | tuple):
        return [_within(member, values) for member in body]
    return body


def _texts(call: Call) -> Iterator[str]:
    yield call.path
    yield from call.headers.values()
    yield from call.form.values()
    yield from _leaves(call.body)


def _leaves(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        yield body
    elif isinstance(body, dict):
        for member in body.values():
            yield from _leaves(member)
    elif isinstance(body, list | tuple):
        for member in body:
            yield from _leaves(member)
