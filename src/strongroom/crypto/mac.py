"""Digests and keyed digests, in the three shapes the product uses."""

import hashlib
import hmac


def sha256(data: bytes) -> bytes:
    """Return the 32-byte digest; for what is already random, such as a token."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Return the 32-byte keyed digest; for what could be guessed."""
    return hmac.digest(key, data, "sha256")


def equal(left: bytes, right: bytes) -> bool:
    """Compare in a time that depends on the lengths only."""
    return hmac.compare_digest(left, right)
