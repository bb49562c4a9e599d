"""Initialising and unsealing."""

from dataclasses import dataclass
from uuid import uuid4

from strongroom.barrier.barrier import Barrier, Populate
from strongroom.barrier.seal.sealing import Sealing
from strongroom.barrier.seal.shamir import Quorum
from strongroom.barrier.seal.state import STATE_KEY, Seal, stored_state
from strongroom.crypto.aead import KEY_BYTES
from strongroom.crypto.random import random_bytes
from strongroom.errors import NotInitialized
from strongroom.storage.contract import Storage


async def initialize(
    storage: Storage,
    barrier: Barrier,
    shares: int,
    threshold: int,
    populate: Populate | None = None,
    service: Seal | None = None,
) -> list[bytes]:
    """Create root key, keyring and seal in one transaction; return the key shares, kept nowhere.

    `populate` adds the first entries (root token, default policy) to the same
    transaction, so there is no store that is initialised by half. The barrier stays
    sealed. With a key service the shares are recovery keys. Raises InvalidRequest for impossible
    numbers or a store initialised before, and what the service raises.
    """
    sealing, root_key = Sealing(service), random_bytes(KEY_BYTES)
    state, parts = await sealing.made(root_key, shares, threshold)
    await sealing.root_key(state, parts[-threshold:])
    await barrier.initialize(root_key, {STATE_KEY: state.encoded()}, populate)
    return parts


@dataclass(frozen=True, slots=True)
class UnsealStatus:
    """What `sys/seal-status` says. `automatic`: the shares are recovery keys.

    `nonce` names the attempt for display; unsealing asks for none.
    """

    kind: str
    initialized: bool
    sealed: bool
    threshold: int
    shares: int
    progress: int
    nonce: str
    automatic: bool = False


class Unsealer:
    """Collects shares and opens the barrier. It needs no authentication and holds a bounded few bytes."""

    def __init__(self, storage: Storage, barrier: Barrier, service: Seal | None = None) -> None:
        self._sealing = Sealing(service)
        self._storage = storage
        self._barrier = barrier
        self._quorum = Quorum()
        self._nonce = ""

    @property
    def kind(self) -> str:
        """The kind of seal that this server is set to."""
        return self._sealing.kind

    @property
    def automatic(self) -> bool:
        """Whether a key service opens the seal, and people hold recovery keys."""
        return self._sealing.service is not None

    async def status(self) -> UnsealStatus:
        """Describe the seal; answers before initialisation too."""
        sealed, progress = self._barrier.sealed, self._quorum.progress
        try:
            state = await stored_state(self._storage.begin())
        except NotInitialized:
            return UnsealStatus(self._sealing.kind, False, True, 0, 0, 0, "", self.automatic)
        nonce = self._nonce if progress else ""
        return UnsealStatus(
            state.kind, True, sealed, state.threshold, state.shares, progress, nonce, self.automatic
        )

    async def submit(self, part: bytes) -> UnsealStatus:
        """Take a share, and unseal when it completes a quorum.

        Raises NotInitialized, InvalidRequest for what cannot be a share, and
        InvalidCredentials when the quorum does not open the seal; that resets progress.
        """
        if not self._barrier.sealed:
            return await self.status()
        state = await stored_state(self._storage.begin())
        if not self._quorum.progress:
            self._nonce = str(uuid4())
        parts = self._quorum.add(part, state.threshold)
        if parts:
            await self._barrier.unseal(await self._sealing.root_key(state, parts))
        return await self.status()

    async def open(self) -> None:
        """Unseal without people, by the key service. Raises NotInitialized, or as `Sealing.opened` does."""
        state = await stored_state(self._storage.begin())
        await self._barrier.unseal(await self._sealing.opened(state))

    def reset(self) -> None:
        """Forget the shares handed in so far."""
        self._quorum.reset()
