"""Values that stand for a secret and are none: samples, masks, runs, references.

`strict` asks for proof only: a precise token is dropped for a run or a telling
word, not because it looks plain.
"""

from __future__ import annotations

import re

_RUN = re.compile(rb"([^/+\-=])\1{5,}")
_ZEROS = re.compile(rb"A{4,24}")  # zero bytes in base64: Dropbox and Twitter tokens hold them
_LONG = 40  # bytes of a secret in which zero bytes say nothing
_PAIRS = re.compile(rb"(.{2,4})\1{4,}", re.DOTALL)
_WORD = re.compile(
    rb"(?i)example|placeholder|your[_-]?(?:api|key|token|secret|pass|own)|redacted|changeme|change[_-]me|replace[_-]?(?:me|with|this)"
    rb"|insert[_-]?(?:your|here)|dummy|foobar|f[a4]ke[_-]?(?:key|token|secret)|sample[_-]?(?:key|token|secret)|not[_-]?a[_-]?real|x{6}|deadbeef"
)
_REFERENCE = re.compile(rb"\$\{|\$\(|\{\{|<%|%\(|\*{3,}|\.{3,}|<[a-z_ -]+>", re.IGNORECASE)
_LADDERS = (
    b"0123456789abcdefghijklmnopqrstuvwxyz",
    b"abcdefghijklmnopqrstuvwxyz0123456789",
    b"1234567890abcdefghijklmnopqrstuvwxyz",
    b"zyxwvutsrqponmlkjihgfedcba9876543210",
    b"qwertyuiopasdfghjklzxcvbnm1234567890",
    b"12345678901234567890",
)


def sample(secret: bytes, *, strict: bool) -> str:
    """Say why `secret` is a sample, or "" when nothing speaks for it."""
    body = _ZEROS.sub(b"A", secret) if len(secret) >= _LONG else secret
    if _RUN.search(body) or _PAIRS.search(body) or len(body) < len(secret) // 2:
        return "one character or group repeats: a mask or a sample"
    if word := _WORD.search(secret):
        return f"holds `{word[0].decode('ascii', 'replace').lower()}`: a sample"
    if _REFERENCE.search(secret):
        return "a reference or a mask, not a value"
    if _ladder(secret.lower(), 12 if strict else 8):
        return "a run of the alphabet or of the keyboard: a sample"
    return ""


def _ladder(text: bytes, length: int) -> bool:
    """Whether `text` holds `length` characters in a row of an alphabet."""
    return any(text[at : at + length] in row for row in _LADDERS for at in range(len(text) - length + 1))
