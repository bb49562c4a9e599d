"""Initialising and unsealing."""

from dataclasses import dataclass
from uuid import uuid4

from strongroom.barrier.barrier import Barrier, Populate
from strongroom.barrier.seal.ceremony import root_key_from
from strongroom.barrier.seal.shamir import KIND, Quorum, new_shares
from strongroom.barrier.seal.state import STATE_KEY, SealState, stored_state
from strongroom.crypto.aead import KEY_BYTES
from strongroom.crypto.random import random_bytes
from strongroom.errors import NotInitialized
from strongroom.storage.contract import Storage


async def initialize(
    storage: Storage, barrier: Barrier, shares: int, threshold: int, populate: Populate | None = None
) -> list[bytes]:
    """Create root key, keyring and seal in one transaction; return the key shares, kept nowhere.

    `populate` adds the first entries (root token, default policy) to the same
    transaction, so there is no store that is initialised by half. The barrier stays
    sealed. Raises InvalidRequest for impossible numbers or a store initialised before.
    """
    seal, parts = new_shares(shares, threshold)
    root_key = random_bytes(KEY_BYTES)
    state = await SealState(KIND, shares, threshold).around(root_key, seal)
    await root_key_from(state, parts[-threshold:])
    await barrier.initialize(root_key, {STATE_KEY: state.encoded()}, populate)
    return parts


@dataclass(frozen=True, slots=True)
class UnsealStatus:
    """What `sys/seal-status` says. `nonce` names the attempt for display; unsealing asks for none."""

    kind: str
    initialized: bool
    sealed: bool
    threshold: int
    shares: int
    progress: int
    nonce: str


class Unsealer:
    """Collects shares and opens the barrier. It needs no authentication and holds a bounded few bytes."""

    def __init__(self, storage: Storage, barrier: Barrier) -> None:
        self._storage = storage
        self._barrier = barrier
        self._quorum = Quorum()
        self._nonce = ""

    async def status(self) -> UnsealStatus:
        """Describe the seal; answers before initialisation too."""
        sealed, progress = self._barrier.sealed, self._quorum.progress
        try:
            state = await stored_state(self._storage.begin())
        except NotInitialized:
            return UnsealStatus(KIND, False, True, 0, 0, 0, "")
        nonce = self._nonce if progress else ""
        return UnsealStatus(state.kind, True, sealed, state.threshold, state.shares, progress, nonce)

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
            await self._barrier.unseal(await root_key_from(state, parts))
        return await self.status()

    def reset(self) -> None:
        """Forget the shares handed in so far."""
        self._quorum.reset()
