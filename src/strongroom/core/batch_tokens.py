"""Batch tokens: the entry itself, sealed, is the token. Nothing is stored, nothing can be renewed."""

import base64

import msgspec

from strongroom.core.token_entry import TokenEntry
from strongroom.core.token_format import BATCH
from strongroom.crypto.aead import XAES
from strongroom.errors import IntegrityFailure, PermissionDenied

_PURPOSE = b"batch-token"


def sealed(key: bytes, entry: TokenEntry) -> str:
    """The text of a batch token."""
    entry.id = entry.accessor = ""
    body = XAES(key).seal(msgspec.msgpack.encode(entry), _PURPOSE)
    return BATCH + base64.urlsafe_b64encode(body).decode().rstrip("=")


def opened(key: bytes, name: str, text: str) -> TokenEntry:
    """The entry inside a batch token; `name` becomes its id.

    Raises PermissionDenied for anything this server did not seal.
    """
    body = text.removeprefix(BATCH)
    try:
        sealed_bytes = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        plain = XAES(key).open(sealed_bytes, _PURPOSE)
    except (ValueError, IntegrityFailure):
        raise PermissionDenied("permission denied") from None
    entry = msgspec.msgpack.decode(plain, type=TokenEntry)
    entry.id = name
    return entry
