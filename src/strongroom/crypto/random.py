"""Randomness from the operating system, and the best a garbage-collected language can do to forget."""

from os import urandom


def random_bytes(count: int) -> bytes:
    """Return `count` bytes from the system's generator."""
    return urandom(count)


def wipe(secret: bytearray) -> None:
    """Overwrite a buffer in place.

    Best effort: copies that Python or OpenSSL made before live until their memory is reused.
    """
    secret[:] = bytes(len(secret))
