"""Takes JSON, URL and HTML escapes off a stretch of text, remembering where each byte came from."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST = 6  # bytes that one escaped byte may take: \u0026
_REACH = 1 << 20  # bytes of one URL-encoded stretch that are decoded
_LEAD = 256  # bytes before a URL-encoded one that belong to the same text
_UNESCAPED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~!*'()+-"
_ESCAPED = rb"%[0-9a-fA-F]{2}[A-Za-z0-9._~!*'()+-]*+"
_SEGMENT = re.compile(_ESCAPED + rb"(?:" + _ESCAPED + rb")*")  # begins with a letter: found quickly


class Plain(NamedTuple):
    """Text without escapes; byte n stood at `origins[n]`, and the text ended at `origins[-1]`."""

    text: bytes
    origins: list[int]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where text[first:last] stood."""
        return self.origins[first], self.origins[last]

    def whole(self, at: int) -> Plain:
        """All around text[at]: nothing was left out."""
        return self

    def has(self, part: object, at: int) -> bool:
        """Whether it is that text."""
        return part is self


_JSON = re.compile(rb'(?:\\u[dD][89abAB][0-9a-fA-F]{2})?\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt\'])')
_URL = re.compile(rb"%[0-9a-fA-F]{2}")
_FORM = re.compile(rb"%[0-9a-fA-F]{2}|\+")
_HTML = re.compile(rb"&(?:#\d{1,3}|#x[0-9a-fA-F]{1,2}|amp|lt|gt|quot|apos);")


def _from_json(escape: bytes) -> bytes:
    if escape == b"\\'":
        return b"'"
    return str(json.loads(b'"' + escape + b'"')).encode("utf-8", "surrogatepass")


def _from_percent(escape: bytes) -> bytes:
    return b" " if escape == b"+" else bytes.fromhex(escape[1:].decode())


def _from_html(escape: bytes) -> bytes:
    return html.unescape(escape.decode()).encode()


_FORMS: tuple[tuple[bytes, re.Pattern[bytes], Callable[[bytes], bytes]], ...] = (
    (b"\\", _JSON, _from_json),
    (b"%", _URL, _from_percent),
    (b"+", _FORM, _from_percent),
    (b"&", _HTML, _from_html),
)


def forms(text: bytes, base: int) -> Iterator[Plain]:
    """`text`, which stands at `base`, as it is, and without each kind of escape that it holds."""
    yield Plain(text, list(range(base, base + len(text) + 1)))
    for hint, pattern, decode in _FORMS:
        if hint in text:
            yield _without(text, base, pattern, decode)


def from_url(text: bytes) -> Iterator[Plain]:
    """The stretches of `text` that are URL-encoded in good part, without the encoding."""
    for segment in _SEGMENT.finditer(text) if b"%" in text else ():
        before = text[max(0, segment.start() - _LEAD) : segment.start()]
        start = segment.start() - (len(before) - len(before.rstrip(_UNESCAPED)))
        yield _without(text[start : min(segment.end(), start + _REACH)], start, _URL, _from_percent)


def _without(text: bytes, base: int, pattern: re.Pattern[bytes], decode: Callable[[bytes], bytes]) -> Plain:
    plain = bytearray()
    origins: list[int] = []
    done = 0
    for escape in pattern.finditer(text):
        plain += text[done : escape.start()]
        origins += range(base + done, base + escape.start())
        decoded = decode(escape[0])
        plain += decoded
        origins += [base + escape.start()] * len(decoded)
        done = escape.end()
    plain += text[done:]
    origins += range(base + done, base + len(text) + 1)
    return Plain(bytes(plain), origins)
