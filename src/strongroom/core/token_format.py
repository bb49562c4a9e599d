"""The text of our own tokens: self-identifying, so that a leaked one is known offline.

`srs.` + 24 random characters + 6 of a keyed tag + 6 of a checksum, base 62.
The checksum (CRC-32 of all before it) lets anyone tell a token from noise; the
tag (HMAC-SHA256 under a key in the barrier) lets this server know its own.
`srb.` starts a batch token, whose body is the sealed entry itself.
"""

import hashlib
import hmac
import secrets
import zlib

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SERVICE, BATCH, WRAPPING = "srs.", "srb.", "srw."
RANDOM, TAG, CHECK = 24, 6, 6
LENGTH = len(SERVICE) + RANDOM + TAG + CHECK


def base62(number: int, width: int) -> str:
    """The lowest `width` base-62 digits of `number`, most significant first."""
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def random_text(length: int) -> str:
    """`length` uniformly random base-62 characters."""
    return base62(secrets.randbelow(62**length), length)


def mint(tag_key: bytes, prefix: str = SERVICE) -> str:
    """Make a new token text."""
    body = prefix + random_text(RANDOM)
    body += _tag(tag_key, body)
    return body + _check(body)


def recognised(text: str) -> bool:
    """Whether `text` is a well-formed token of some Strongroom server; needs no key."""
    if len(text) != LENGTH or not text.startswith((SERVICE, WRAPPING)) or not text.isascii():
        return False
    return _check(text[:-CHECK]) == text[-CHECK:]


def ours(tag_key: bytes, text: str) -> bool:
    """Whether this server minted `text`, whether or not it is still valid."""
    if not recognised(text):
        return False
    body = text[: len(SERVICE) + RANDOM]
    return hmac.compare_digest(_tag(tag_key, body), text[len(body) : len(body) + TAG])


def fingerprint(text: str) -> str:
    """What a scanner may ask about a token that it found: SHA-256, cut to 32 hex digits.

    It needs no key: nobody guesses 24 random characters.
    """
    return hashlib.sha256(b"strongroom token\0" + text.encode()).hexdigest()[:32]


def _tag(key: bytes, body: str) -> str:
    return base62(int.from_bytes(hmac.digest(key, body.encode(), "sha256"), "big"), TAG)


def _check(body: str) -> str:
    return base62(zlib.crc32(body.encode()), CHECK)
