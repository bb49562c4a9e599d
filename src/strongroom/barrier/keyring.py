"""The keyring: every key that stored entries may be under, and which one new entries get.

Stored wrapped by the root key. A term is never removed, so old entries stay readable.
"""

from msgspec import Struct, msgpack

from strongroom.crypto.aead import KEY_BYTES, XAES
from strongroom.crypto.random import random_bytes
from strongroom.errors import IntegrityFailure

KEYRING_KEY = "~barrier/keyring"
HANDOVER_KEY = "~barrier/handover"
_ASSOCIATED = KEYRING_KEY.encode()
_HANDED_OVER = HANDOVER_KEY.encode()
_TERMS_HANDED = 2
HANDOVER_SECONDS = 600.0


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


class Handover(Struct, frozen=True):
    """A new root key for the nodes that are open: `at` is when, `keys` it under each of the latest terms."""

    at: float
    keys: dict[int, bytes]


def hand_over(keyring: Keyring, root_key: bytes, now: float) -> bytes:
    """Wrap a new root key for whoever has the keyring open already."""
    terms = keyring.terms[-_TERMS_HANDED:]
    return msgpack.encode(
        Handover(now, {term.number: XAES(term.key).seal(root_key, _HANDED_OVER) for term in terms})
    )


def handed_over(encoded: bytes, keyring: Keyring) -> bytes:
    """The new root key. Raises IntegrityFailure when `keyring` has none of the terms it is under."""
    offered = msgpack.decode(encoded, type=Handover).keys
    for term in keyring.terms:
        if term.number in offered:
            return XAES(term.key).open(offered[term.number], _HANDED_OVER)
    raise IntegrityFailure("the root key was changed for a keyring this node does not know")


def handover_over(encoded: bytes, now: float) -> bool:
    """Whether every node has had the time to take it."""
    return now - msgpack.decode(encoded, type=Handover).at > HANDOVER_SECONDS
