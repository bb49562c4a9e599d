"""The Shamir seal: a seal key that exists only while enough share holders are present.

As in Vault, one share of one is the seal key itself, with no coordinate after it.
"""

from collections.abc import Sequence

from strongroom.barrier.seal.state import SHAMIR
from strongroom.crypto import shamir
from strongroom.crypto.aead import KEY_BYTES, XAES
from strongroom.crypto.mac import equal
from strongroom.crypto.random import random_bytes, wipe
from strongroom.errors import IntegrityFailure, InvalidCredentials, InvalidRequest


class ShamirSeal:
    """Wraps the root key under a seal key."""

    kind = SHAMIR

    def __init__(self, seal_key: bytes) -> None:
        self._cipher = XAES(seal_key)

    async def wrap(self, root_key: bytes, associated: bytes) -> bytes:
        """Encrypt the root key."""
        return self._cipher.seal(root_key, associated)

    async def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
        """Undo `wrap`. Raises IntegrityFailure."""
        return self._cipher.open(wrapped, associated)

    def version(self, wrapped: bytes) -> str:
        """No versions: shares are replaced all together."""
        return ""


def check_numbers(shares: int, threshold: int) -> None:
    """Raise InvalidRequest for share numbers that cannot be."""
    if not 1 <= shares <= shamir.MAX_SHARES:
        raise InvalidRequest("the number of shares must be between 1 and 255")
    if not 1 <= threshold <= shares:
        raise InvalidRequest("the threshold must be between 1 and the number of shares")
    if threshold == 1 and shares > 1:
        raise InvalidRequest("with a threshold of 1 there is one share: each would be the whole key")


def new_shares(shares: int, threshold: int) -> tuple[ShamirSeal, list[bytes]]:
    """Make a seal with a fresh key and the shares of it, proven to rebuild it. Raises InvalidRequest."""
    check_numbers(shares, threshold)
    seal_key = random_bytes(KEY_BYTES)
    parts = [seal_key] if shares == 1 else shamir.split(seal_key, shares, threshold)
    # Both ends of the list together cover every share unless shares > 2 * threshold.
    for subset in (parts[:threshold], parts[-threshold:]):
        if not equal(_joined(subset), seal_key):
            raise IntegrityFailure("the new shares do not rebuild their key; nothing was changed")
    return ShamirSeal(seal_key), parts


def seal_from(parts: Sequence[bytes]) -> ShamirSeal:
    """Rebuild the seal from a quorum of shares. Raises InvalidCredentials when they cannot be shares."""
    try:
        return ShamirSeal(_joined(parts))
    except (InvalidRequest, ValueError):
        raise InvalidCredentials("the shares do not belong together; progress was reset") from None


def _joined(parts: Sequence[bytes]) -> bytes:
    return parts[0] if len(parts) == 1 else shamir.combine(parts)


class Quorum:
    """Shares handed in so far, in memory only and never more than the threshold."""

    def __init__(self) -> None:
        self._parts: list[bytearray] = []

    @property
    def progress(self) -> int:
        """How many different shares there are."""
        return len(self._parts)

    def add(self, part: bytes, threshold: int) -> list[bytes]:
        """Keep a share; return all of them, forgetting them here, when the threshold is reached.

        The same share again changes nothing. Raises InvalidRequest for what cannot be a share.
        """
        if len(part) != KEY_BYTES + (threshold > 1):
            raise InvalidRequest("a key share of this length cannot belong to this seal")
        if not any(equal(bytes(known), part) for known in self._parts):
            self._parts.append(bytearray(part))
        if len(self._parts) < threshold:
            return []
        complete = [bytes(known) for known in self._parts]
        self.reset()
        return complete

    def reset(self) -> None:
        """Forget every share."""
        for part in self._parts:
            wipe(part)
        self._parts.clear()
