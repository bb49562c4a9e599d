"""Keys and salts written as arrays of numbers or as escaped bytes, under a name that says so.

`new byte[] {(byte) 0x9a, …}`, `bytes([19, 55, …])`, `b"\\x9a\\x12…"`. Tables, initialisation vectors,
runs and the test vectors of standards are none.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from strongroom.scanner.generic_language import Place
from strongroom.scanner.generic_names import classify
from strongroom.scanner.lazy_pattern import lazy

LEAST, MOST = 8, 64  # bytes of a key
KEY_SIZES = (16, 24, 32, 48, 64)  # what plain numbers without a sign must count, which are else often tables
_ITEM = (
    rb"(?:\(\s?(?:unsigned )?(?:s?byte|char|uint8_t|u8)\s?\)\s?)?"
    rb"(?:(?:0[xX]|&[hH])[0-9a-fA-F]{1,2}|-?\d{1,3})"
    rb"(?:u8|[uU]|\.toByte\(\))?"
)
_ARRAY = lazy(
    rb"(?<![\w.-])(?P<n>[A-Za-z_]\w{0,60})(?:\[[\w +]{0,24}\]|\(\))?"
    rb"(?:\s{0,3}:\s{0,2}[^=\n\"']{1,30}|\s+As\s+Byte)?"
    rb"\s{0,8}:?=\s{0,8}&?(?:new\s+)?[\w.\[\]<>:&!; ]{0,32}\(?\s{0,8}(?:\[\w{0,8}\])?[\[{(]\s{0,24}"
    rb"(?P<v>" + _ITEM + rb"(?:\s{0,24},\s{0,24}" + _ITEM + rb"){7,63}),?\s{0,24}[\]})]"
)
_ESCAPED = lazy(
    rb"(?<![\w.-])(?P<n>[A-Za-z_]\w{0,60})(?:\[[\w +]{0,24}\])?"
    rb"(?:\s{0,3}:\s{0,2}[^=\n\"']{1,30})?\s{0,8}:?=\s{0,8}(?:[\w.\[\]]{1,24}\()?[bB]?(?P<q>[\"'])(?P<v>(?:\\x[0-9a-fA-F]{2}){8,64})(?P=q)"
)
_NAME = lazy(
    r"(?i)(?:key|secret|passw(?:or)?d|passphrase|psk|salt)(?:_?(?:bytes?|data|array|arr|buf|raw|\d{1,3}))?$"
)
_OTHER_NAME = lazy(r"(?i)(?:^|_)(?:iv|test|expected|pub|public|table|sample|example|dummy|fake)|public|nonce")
_NUMBER = lazy(rb"(?:0[xX]|&[hH]|\\x)([0-9a-fA-F]{1,2})|(?<![\w])(-?\d{1,3})(?=\D|$)")
# Beside a key: a standard's name, or another array that says what comes out.
_VECTOR = lazy(
    rb"(?i)test[ _-]?vector|test[ _-]?case|\brfc[ -]?\d{4}\b|\bnist\b|\bfips\b|known[ _-]answer|\bkat\b|"
    rb"(?:(?:plain|cipher)_?text|expected|\b(?:plain|cipher|input|output|result|digest|mac|tag|message|msg|pt|ct))\w{0,16}"
    rb"(?:\[\w{0,8}\])?[\"']?\s{0,4}:?[:=]\s{0,4}"
    rb"[^\n;\"']{0,40}[\[{(\"']\s{0,24}(?:\(byte\)\s?)?(?:0x|\\x|[0-9a-f]{16})"
)
# How the keys of the standards begin: FIPS 197, SP 800-38A, RFC 4231 and the like.
_STANDARD = (
    "2a8648",  # object identifiers
    "2b0601",
    "00010203",
    "2b7e1516",
    "603deb10",
    "8e73b0f7",
    "0b0b0b0b",
    "133457799bbcdff1",
    "0123456789abcdef",
    "808182838485",
    "feffe992",
    "1c9240a5",
    "deadbeef",
    "112233445566",
)
_AROUND = 700  # bytes on each side in which a test vector would show


class Written(NamedTuple):
    """`data[start:end]` spells the bytes of what `name` calls."""

    name: str
    start: int
    end: int
    detector: str


def written(data: bytes, end: int, place: Place) -> Written | None:
    """Return the key whose numbers begin at a hit's `end`, or None."""
    if place.test or place.sample:
        return None
    for pattern in (_ARRAY, _ESCAPED):
        for found in pattern.finditer(data, max(0, end - 200), end + 2200):
            if found.start("v") > end:
                break
            detector = _detector(found["n"].decode())
            if detector and found.end("v") >= end and _is_key(found["v"]) and not _vector(data, found):
                return Written(found["n"].decode(), *found.span("v"), detector)
    return None


def _detector(name: str) -> str:
    """Return what a key of that name is reported as, or "" where the name promises none."""
    named = classify(name)
    if named is None or not _NAME.search(name) or _OTHER_NAME.search(name):
        return ""
    return "generic.encryption_key" if named.kind == "api_key" else f"generic.{named.kind}"


def _is_key(text: bytes) -> bool:
    """Whether the numbers vary as a key's do: no run, no table, none of a standard."""
    pairs = _NUMBER.findall(text)
    values = [int(digits, 16) if digits else int(plain) for digits, plain in pairs]
    if not LEAST <= len(values) <= MOST or not all(-128 <= v <= 255 for v in values):
        return False
    if all(plain for _, plain in pairs[:2]) and min(values) >= 0 and not _countable(values):
        return False
    key = bytes(v & 255 for v in values)
    steps = [b - a for a, b in pairwise(key)]
    rising = sum(step > 0 for step in steps)
    return (
        len(set(key)) >= min(len(key) * 3 // 4, 32)
        and len(set(steps)) >= len(steps) // 2
        and len(steps) // 5 <= rising <= len(steps) - len(steps) // 5
        and not key.hex().startswith(_STANDARD)
    )


def _countable(values: list[int]) -> bool:
    return len(values) in KEY_SIZES and max(values) >= 100


def _vector(data: bytes, found: re.Match[bytes]) -> bool:
    """Whether plain text, cipher text or a standard's name stands near, as beside a test vector."""
    return _VECTOR.search(data, max(0, found.start() - _AROUND), found.end() + _AROUND) is not None
