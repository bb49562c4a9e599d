"""Randomness from the operating system, and the best a garbage-collected language can do to forget."""

import secrets
from os import urandom


def random_bytes(count: int) -> bytes:
    """Return `count` bytes from the system's generator."""
    return urandom(count)


def random_text(alphabet: str, length: int) -> str:
    """Draw uniformly from all texts of `length` characters of `alphabet`, each of which is in it once.

    One number stands for the whole text: a draw for each character would cost a system call each.
    """
    base = len(alphabet)
    number = secrets.randbelow(base**length)
    drawn = []
    for _ in range(length):
        number, at = divmod(number, base)
        drawn.append(alphabet[at])
    return "".join(drawn)


def wipe(secret: bytearray) -> None:
    """Overwrite a buffer in place.

    Best effort: copies that Python or OpenSSL made before live until their memory is reused.
    """
    secret[:] = bytes(len(secret))
