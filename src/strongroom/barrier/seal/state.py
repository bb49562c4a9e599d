"""What is stored about the seal: its kind, its share numbers, and the root key it wraps.

One entry, so that a change of shares is one write. It lies outside the barrier,
where it must be read before unsealing; the numbers are authenticated with the key.
"""

from typing import Protocol

from msgspec import Struct, msgpack, structs

from strongroom.errors import NotInitialized
from strongroom.storage.contract import Transaction

STATE_KEY = "~seal/state"
NEXT_STATE_KEY = "~seal/next"


class Seal(Protocol):
    """Wraps the root key. Auto-unseal kinds reach a key service, so both steps may wait."""

    kind: str

    async def wrap(self, root_key: bytes, associated: bytes) -> bytes:
        """Encrypt the root key."""
        ...

    async def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
        """Undo `wrap`. Raises IntegrityFailure, or UpstreamFailed when a key service fails."""
        ...


class SealState(Struct, frozen=True):
    """Under a key service the shares are recovery keys, and `recovery` is what proves them."""

    kind: str
    shares: int
    threshold: int
    wrapped: bytes = b""
    recovery: bytes = b""

    @property
    def associated(self) -> bytes:
        """What the wrapped root key is bound to."""
        return f"{STATE_KEY}:{self.kind}:{self.shares}:{self.threshold}".encode()

    async def around(self, root_key: bytes, seal: Seal) -> "SealState":
        """Return this state with `root_key` wrapped by `seal`."""
        wrapped = await seal.wrap(root_key, self.associated)
        return structs.replace(self, wrapped=wrapped)

    async def root_key(self, seal: Seal) -> bytes:
        """Open the root key. Raises IntegrityFailure when `seal` is not the one that wrapped it."""
        return await seal.unwrap(self.wrapped, self.associated)

    def encoded(self) -> bytes:
        """Return the stored form."""
        return msgpack.encode(self)


async def stored_state(tx: Transaction, key: str = STATE_KEY) -> SealState:
    """Read the seal's state. Raises NotInitialized when there is none."""
    raw = await tx.get(key)
    if raw is None:
        raise NotInitialized("the store is not initialized")
    return msgpack.decode(raw, type=SealState)
