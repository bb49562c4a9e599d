"""The keyring: every key that stored entries may be under, and which one new entries get.

Stored wrapped by the root key. A term is never removed, so old entries stay readable.
"""

from msgspec import Struct, msgpack

from strongroom.crypto.aead import KEY_BYTES, XAES
from strongroom.crypto.random import random_bytes
from strongroom.errors import IntegrityFailure

KEYRING_KEY = "~barrier/keyring"
_ASSOCIATED = KEYRING_KEY.encode()


class Term(Struct, frozen=True):
    """One key: `installed` is seconds since the epoch, `encryptions` what was counted when last written."""

    number: int
    key: bytes
    installed: float
    encryptions: int = 0

    def __repr__(self) -> str:
        return f"Term({self.number})"


class Keyring(Struct, frozen=True):
    """Terms in the order they were added; the last one is active."""

    terms: tuple[Term, ...]

    @property
    def active(self) -> Term:
        """The term new entries are written under."""
        return self.terms[-1]

    def extended(self, now: float, encryptions: int) -> "Keyring":
        """Return a keyring with a fresh active term; `encryptions` is the final count of the one before."""
        closed = self.counted(encryptions).terms
        return Keyring((*closed, Term(closed[-1].number + 1, random_bytes(KEY_BYTES), now)))

    def counted(self, encryptions: int) -> "Keyring":
        """Return the keyring with the active term's count brought up to date."""
        *older, last = self.terms
        return Keyring((*older, Term(last.number, last.key, last.installed, encryptions)))


def fresh(now: float) -> Keyring:
    """Return a keyring of one new term."""
    return Keyring((Term(1, random_bytes(KEY_BYTES), now),))


def wrap(keyring: Keyring, root_key: bytes) -> bytes:
    """Encrypt the keyring under the root key."""
    return XAES(root_key).seal(msgpack.encode(keyring), _ASSOCIATED)


def unwrap(wrapped: bytes, root_key: bytes) -> Keyring:
    """Undo `wrap`. Raises IntegrityFailure when the root key is another or a bit has changed."""
    if len(root_key) != KEY_BYTES:
        raise IntegrityFailure("the root key has the wrong length")
    return msgpack.decode(XAES(root_key).open(wrapped, _ASSOCIATED), type=Keyring)
