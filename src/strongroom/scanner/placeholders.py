"""Values that stand for a secret and are none: samples, masks, runs, references.

`strict` asks for proof only: a precise token is dropped for a mask or a telling
word, not because it looks dull. Of such a one `dull` says why it may be a sample.
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
_REFERENCE = re.compile(rb"strongroom://|\$\{|\$\(|\{\{|<%|%\(|\*{3,}|\.{3,}|<[a-z_ -]+>", re.IGNORECASE)
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
    if _masked(body, strict=strict) or len(body) < len(secret) // 2:
        return "one character or group repeats: a mask or a sample"
    if word := _WORD.search(secret):
        return f"holds `{word[0].decode('ascii', 'replace').lower()}`: a sample"
    if _REFERENCE.search(secret):
        return "a reference or a mask, not a value"
    if not strict and _ladder(secret.lower(), 8):
        return "a run of the alphabet or of the keyboard: a sample"
    return ""


def dull(secret: bytes) -> str:
    """Say why `secret`, which has its provider's format, may still be a sample, or ""."""
    body = _ZEROS.sub(b"A", secret) if len(secret) >= _LONG else secret
    if _PAIRS.search(body) or (_RUN.search(body) and len(secret) < _LONG):
        return "a character or a group repeats: perhaps a sample"
    return "a run of the alphabet or of the keyboard: perhaps a sample" if _ladder(secret.lower(), 12) else ""


def _masked(body: bytes, *, strict: bool) -> bool:
    """Whether a character or a group repeats; to be sure of it, over a third of `body`, or half of it."""
    run, pairs = _RUN.search(body), _PAIRS.search(body)
    if not strict:
        return run is not None or pairs is not None
    return any(
        found is not None and len(found[0]) * share >= len(body) for found, share in ((run, 3), (pairs, 2))
    )


def _ladder(text: bytes, length: int) -> bool:
    """Whether `text` holds `length` characters in a row of an alphabet."""
    return any(text[at : at + length] in row for row in _LADDERS for at in range(len(text) - length + 1))
