"""Finds the tokens of Strongroom servers: a prefix, random characters, and a checksum over both."""

from __future__ import annotations

import hashlib
import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN = re.compile(rb"srs\.[0-9A-Za-z]{36}")
_CHECK = 6


def found(text: bytes) -> Iterator[tuple[int, bytes]]:
    """(place, token) for each well-formed token in `text`, whoever issued it."""
    if b"srs." not in text:
        return
    for match in _TOKEN.finditer(text):
        if _checksum(match[0][:-_CHECK]) == match[0][-_CHECK:]:
            yield match.start(), match[0]


def fingerprint(token: bytes) -> str:
    """What is asked about a token: it tells nothing of it to who has not issued it."""
    return hashlib.sha256(b"strongroom token\0" + token).hexdigest()[:32]


def _checksum(body: bytes) -> bytes:
    number, digits = zlib.crc32(body), []
    for _ in range(_CHECK):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return bytes(reversed(digits))
