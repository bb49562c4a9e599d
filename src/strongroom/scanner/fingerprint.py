"""The name of a secret that does not tell it: HMAC-SHA256 under a key.

The same secret has the same fingerprint wherever it stands, and no other
secret has it. What is short enough to be guessed is stretched first, so that a
published list of fingerprints is no quick way to try a dictionary
(docs/adr/0004-fingerprints.md).
"""

from __future__ import annotations

from contextlib import suppress

from strongroom.errors import InvalidRequest

PUBLIC_KEY = b"strongroom fingerprint, public key, version 1"
GUESSABLE = 24  # bytes below which a secret may come from a dictionary
ROUNDS = 2000
KEY_BYTES = 32


def fingerprint(secret: bytes, key: bytes = PUBLIC_KEY) -> str:
    """Return the fingerprint of `secret` as 32 hex digits; surrounding white space does not count."""
    import hashlib  # noqa: PLC0415 (a hook that finds nothing does without)
    import hmac  # noqa: PLC0415

    material = secret.strip()
    if len(material) < GUESSABLE:
        material = hashlib.pbkdf2_hmac("sha256", material, key, ROUNDS)
    return hmac.digest(key, material, "sha256")[:16].hex()


def read_key(path: str) -> bytes:
    """Read a key file: 64 hex digits or 32 bytes. Raises InvalidRequest for anything else."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (pathlib costs a hook 4 ms)
            raw = file.read(1024)
    except OSError as error:
        raise InvalidRequest(f"fingerprint key {path}: {error.strerror}") from error
    key = raw
    with suppress(ValueError):
        key = bytes.fromhex(raw.decode("ascii").strip())
    if len(key) != KEY_BYTES:
        raise InvalidRequest(f"fingerprint key {path}: not {KEY_BYTES} bytes or {2 * KEY_BYTES} hex digits")
    return key
