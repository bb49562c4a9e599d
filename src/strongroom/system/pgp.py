"""Key shares and root tokens that only their holders can read: encrypted to OpenPGP keys, as Vault does.

Each share goes out as an encrypted message of its hex form; what unseals is what the holder decrypts.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.core.bootstrap import view
from strongroom.crypto.openpgp import Recipient, encrypt, recipient
from strongroom.errors import InvalidRequest

BACKUP = "rekey/backup"


@dataclass(frozen=True, slots=True)
class Hiding:
    """Whom a ceremony's result is for. `nonce` names the attempt; `otp` masks a token until it is hidden."""

    nonce: str
    to: tuple[Recipient, ...]
    backup: bool = False
    otp: str = ""

    @property
    def fingerprints(self) -> list[str]:
        """The recipients' primary keys, in order."""
        return [each.fingerprint for each in self.to]


class Backup(Struct, frozen=True):
    """Encrypted shares of the latest rekey that asked for it, by fingerprint."""

    nonce: str
    messages: dict[str, list[bytes]]


def recipients(keys: Sequence[str] | None, shares: int, now: float) -> tuple[Recipient, ...]:
    """The holders of the shares, one key each; none when no keys are given.

    Raises InvalidRequest: another number of keys than shares, or which key is no good and why.
    """
    if not keys:
        return ()
    if len(keys) != shares:
        raise InvalidRequest(f"incorrect number of pgp_keys: {len(keys)} keys for {shares} shares")
    return tuple(one(key, now, f"pgp_keys: key {number}") for number, key in enumerate(keys, 1))


def one(key: str, now: float, field: str) -> Recipient:
    """The holder of one key, tried out. Raises InvalidRequest naming the field."""
    try:
        found = recipient(key, now)
        encrypt(found, b"")
    except InvalidRequest as error:
        raise InvalidRequest(f"{field}: {error}") from None
    return found


def hidden(parts: Sequence[bytes], to: Sequence[Recipient]) -> list[bytes]:
    """The shares as they are handed out: each to its holder, or plain where there are no holders."""
    if not to:
        return list(parts)
    return [encrypt(holder, part.hex().encode()) for part, holder in zip(parts, to, strict=True)]


def hidden_token(token: str, to: Recipient) -> str:
    """A token for its holder, in base64."""
    return base64.b64encode(encrypt(to, token.encode())).decode()


def by_fingerprint(messages: Sequence[bytes], to: Sequence[Recipient]) -> dict[str, list[bytes]]:
    """The encrypted shares by who can read them; one person may hold several."""
    found: dict[str, list[bytes]] = {}
    for message, holder in zip(messages, to, strict=True):
        found.setdefault(holder.fingerprint, []).append(message)
    return found


def keep(tx: BarrierTransaction, backup: Backup) -> None:
    """Store the encrypted shares, in place of those of an earlier rekey."""
    view(tx).put(BACKUP, backup)


async def kept(tx: BarrierTransaction) -> Backup:
    """The encrypted shares that are stored. Raises InvalidRequest when there are none, as Vault does."""
    found = await view(tx).find(BACKUP, Backup)
    if found is None:
        raise InvalidRequest("no backed-up keys found")
    return found


def forget(tx: BarrierTransaction) -> None:
    """Remove the stored shares."""
    view(tx).delete(BACKUP)
