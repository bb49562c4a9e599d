"""An envelope: a key service wraps a key of one use, and that key wraps the root key.

The service never sees the root key, nor what it is bound to, and the same checks hold for services
that know no associated data. A remote service opens an envelope at each start, so it is away from
time to time; what it does not open for good is told apart by IntegrityFailure.
"""

from typing import Protocol

import msgspec
from msgspec import Struct, msgpack

from strongroom.crypto.aead import KEY_BYTES, XAES
from strongroom.crypto.random import random_bytes
from strongroom.errors import IntegrityFailure


class KeyService(Protocol):
    """Encrypts a few bytes under a key that stays where it is."""

    kind: str

    async def encrypt(self, data_key: bytes) -> tuple[bytes, str]:
        """The ciphertext, and which version of the key made it. Raises UpstreamFailed."""
        ...

    async def decrypt(self, ciphertext: bytes, version: str) -> bytes:
        """Undo `encrypt`. Raises IntegrityFailure for what is not this key's, else UpstreamFailed."""
        ...


class Envelope(Struct, frozen=True):
    """What is stored: the wrapped key, the version that wrapped it, and the root key under it."""

    version: str
    wrapped: bytes
    sealed: bytes


class EnvelopeSeal:
    """A seal on top of any key service."""

    def __init__(self, service: KeyService) -> None:
        self.kind = service.kind
        self.service = service

    async def wrap(self, root_key: bytes, associated: bytes) -> bytes:
        """Encrypt the root key. Raises UpstreamFailed."""
        data_key = random_bytes(KEY_BYTES)
        wrapped, version = await self.service.encrypt(data_key)
        return msgpack.encode(Envelope(version, wrapped, XAES(data_key).seal(root_key, associated)))

    async def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
        """Undo `wrap`. Raises IntegrityFailure, or UpstreamFailed."""
        envelope = _decoded(wrapped)
        data_key = await self.service.decrypt(envelope.wrapped, envelope.version)
        if len(data_key) != KEY_BYTES:
            raise IntegrityFailure("the key service opened something that is no key")
        return XAES(data_key).open(envelope.sealed, associated)

    def version(self, wrapped: bytes) -> str:
        """The version of the service's key. Raises IntegrityFailure for what is no envelope."""
        return _decoded(wrapped).version


def _decoded(wrapped: bytes) -> Envelope:
    try:
        return msgpack.decode(wrapped, type=Envelope)
    except msgspec.DecodeError:
        raise IntegrityFailure("what the seal has wrapped is damaged") from None
