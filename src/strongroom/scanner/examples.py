"""Draws the examples of detector files: `<alnum:24>` becomes 24 seeded characters.

So no file holds a token that a push filter would stop or anybody could use.
"""

from __future__ import annotations

import random
import re
import string

from strongroom.errors import InvalidRequest
from strongroom.scanner.checksums import ALNUM, BASE58, BASE64URL, CHECKSUMS

CLASSES = {
    "alnum": ALNUM,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "letter": string.ascii_letters,
    "digit": string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "base64": ALNUM + "+/",
    "base64url": BASE64URL,
    "lowalnum": string.ascii_lowercase + string.digits,
    "upalnum": string.ascii_uppercase + string.digits,
    "base32": string.ascii_uppercase + "234567",
    "base58": BASE58,
}

_MARK = re.compile(r"<(?:([A-Za-z0-9]+):(\d+)(?:-(\d+))?|(uuid)|checksum:([a-z0-9_]+):([^<>]*))>")


def draw(text: str, seed: str) -> str:
    """Fill each mark in `text`; the same `seed` gives the same text.

    Raises InvalidRequest for an unknown class or checksum.
    """
    source = random.Random(seed)  # noqa: S311 (examples must be reproducible)
    return _MARK.sub(lambda found: _fill(found, source), text)


def _fill(found: re.Match[str], source: random.Random) -> str:
    name, low, high, uuid, checksum, prefix = found.groups()
    if uuid:
        digits = "".join(source.choices(CLASSES["hex"], k=30))
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-a{digits[15:18]}-{digits[18:30]}"
    if checksum:
        if checksum not in CHECKSUMS:
            raise InvalidRequest(f"unknown checksum `{checksum}`; known: {', '.join(sorted(CHECKSUMS))}")
        return CHECKSUMS[checksum].make(
            prefix, lambda alphabet, count: "".join(source.choices(alphabet, k=count))
        )
    if name not in CLASSES:
        raise InvalidRequest(f"unknown class `{name}`; known: {', '.join(sorted(CLASSES))}")
    return _varied(CLASSES[name], source.randint(int(low), int(high or low)), source)


def _varied(alphabet: str, count: int, source: random.Random) -> str:
    """Draw `count` characters; long ones have a digit and each letter case that the alphabet has."""
    kinds = [
        k for k in (string.digits, string.ascii_uppercase, string.ascii_lowercase) if set(k) & set(alphabet)
    ]
    while True:
        text = "".join(source.choices(alphabet, k=count))
        if count < 8 or all(set(kind) & set(text) for kind in kinds):
            return text
