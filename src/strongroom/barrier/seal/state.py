"""What is stored about the seal: its kind, its share numbers, and the root key it wraps.

One entry, so that a change of shares or of seals is one write. It lies outside the barrier,
where it must be read before unsealing; the numbers are authenticated with the key.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct, msgpack, structs

from strongroom.errors import NotInitialized
from strongroom.storage.contract import Transaction

STATE_KEY = "~seal/state"
NEXT_STATE_KEY = "~seal/next"
SHAMIR = "shamir"
SEVERAL = "multiseal"
"""The kind of a state that several key services have wrapped; Vault's word."""


class Seal(Protocol):
    """Wraps the root key. Auto-unseal kinds reach a key service, so both steps may wait."""

    kind: str

    async def wrap(self, root_key: bytes, associated: bytes) -> bytes:
        """Encrypt the root key."""
        ...

    async def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
        """Undo `wrap`. Raises IntegrityFailure, or UpstreamFailed when a key service fails."""
        ...

    def version(self, wrapped: bytes) -> str:
        """Which version of the service's key has wrapped it; empty where there are no versions."""
        ...


class Wrapping(Struct, frozen=True):
    """The root key as one key service has wrapped it; `name` is the seal's in the configuration."""

    name: str
    kind: str
    wrapped: bytes


class SealState(Struct, frozen=True):
    """Under key services the shares are recovery keys, and `recovery` is what proves them.

    A key service's `wrapped` is among the `wrappings`, and stands alone in states of earlier servers.
    `bound` is the kind that `recovery` was made under: services come and go without the recovery keys.
    """

    kind: str
    shares: int
    threshold: int
    wrapped: bytes = b""
    recovery: bytes = b""
    bound: str = ""
    wrappings: tuple[Wrapping, ...] = ()

    @property
    def held(self) -> tuple[Wrapping, ...]:
        """What key services hold; nothing under shares."""
        if self.kind == SHAMIR or self.wrappings:
            return self.wrappings
        return (Wrapping(self.kind, self.kind, self.wrapped),)

    def associated(self, kind: str) -> bytes:
        """What the root key is bound to when a seal of `kind` wraps it."""
        return f"{STATE_KEY}:{kind}:{self.shares}:{self.threshold}".encode()

    @property
    def recovery_associated(self) -> bytes:
        """What the proof of the recovery keys is bound to."""
        return self.associated(self.bound or self.kind) + b":recovery"

    def under(self, wrappings: Sequence[Wrapping]) -> "SealState":
        """Return this state held by other key services; the recovery keys stay."""
        return structs.replace(
            self,
            kind=kind_of([wrapping.kind for wrapping in wrappings]),
            bound=self.bound or self.kind,
            wrapped=b"",
            wrappings=tuple(wrappings),
        )

    async def around(self, root_key: bytes, seal: Seal) -> "SealState":
        """Return this state with `root_key` wrapped by the seal of the shares."""
        return structs.replace(self, wrapped=await seal.wrap(root_key, self.associated(seal.kind)))

    async def root_key(self, seal: Seal) -> bytes:
        """Open what the shares hold. Raises IntegrityFailure when `seal` is not the one that wrapped it."""
        return await seal.unwrap(self.wrapped, self.associated(seal.kind))

    def encoded(self) -> bytes:
        """Return the stored form."""
        return msgpack.encode(self)


def kind_of(kinds: Sequence[str]) -> str:
    """What a state is called that services of these kinds hold."""
    return SHAMIR if not kinds else kinds[0] if len(kinds) == 1 else SEVERAL


async def stored_state(tx: Transaction, key: str = STATE_KEY) -> SealState:
    """Read the seal's state. Raises NotInitialized when there is none."""
    raw = await tx.get(key)
    if raw is None:
        raise NotInitialized("the store is not initialized")
    return msgpack.decode(raw, type=SealState)
