"""Initialising and unsealing."""

from dataclasses import dataclass
from uuid import uuid4

from strongroom.barrier.barrier import Barrier, Populate
from strongroom.barrier.seal.replacing import replace_state
from strongroom.barrier.seal.sealing import Sealing
from strongroom.barrier.seal.shamir import Quorum, seal_from
from strongroom.barrier.seal.state import SHAMIR, STATE_KEY, SealState, Wrapping, stored_state
from strongroom.crypto.aead import KEY_BYTES
from strongroom.crypto.mac import equal
from strongroom.crypto.random import random_bytes
from strongroom.errors import IntegrityFailure, InvalidRequest, NotInitialized
from strongroom.storage.contract import Storage


async def initialize(
    storage: Storage,
    barrier: Barrier,
    shares: int,
    threshold: int,
    populate: Populate | None = None,
    sealing: Sealing | None = None,
) -> list[bytes]:
    """Create root key, keyring and seal in one transaction; return the key shares, kept nowhere.

    `populate` adds the first entries (root token, default policy) to the same
    transaction, so there is no store that is initialised by half. The barrier stays
    sealed. With key services, all of which must answer, the shares are recovery keys. Raises
    InvalidRequest for impossible numbers or a store initialised before, and what a service raises.
    """
    sealing, root_key = sealing or Sealing(), random_bytes(KEY_BYTES)
    state, parts = await sealing.made(root_key, shares, threshold, every=True)
    await sealing.root_key(state, parts[-threshold:])
    await barrier.initialize(root_key, {STATE_KEY: state.encoded()}, populate)
    return parts


@dataclass(frozen=True, slots=True)
class UnsealStatus:
    """What `sys/seal-status` says. `automatic`: the shares are recovery keys. `migrating`: to other seals.

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
    migrating: bool = False


class Unsealer:
    """Collects shares and opens the barrier. It needs no authentication and holds a bounded few bytes."""

    def __init__(self, storage: Storage, barrier: Barrier, sealing: Sealing | None = None) -> None:
        self._sealing = sealing or Sealing()
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
        """Whether the server is set to key services, and people hold recovery keys."""
        return self._sealing.automatic

    async def status(self) -> UnsealStatus:
        """Describe the seal; answers before initialisation too."""
        sealed, progress = self._barrier.sealed, self._quorum.progress
        try:
            state = await stored_state(self._storage.begin())
        except NotInitialized:
            return UnsealStatus(self._sealing.kind, False, True, 0, 0, 0, "", self.automatic)
        nonce = self._nonce if progress else ""
        return UnsealStatus(
            state.kind,
            True,
            sealed,
            state.threshold,
            state.shares,
            progress,
            nonce,
            state.kind != SHAMIR,
            self._sealing.migrating(state),
        )

    async def submit(self, part: bytes, *, migrate: bool = False) -> UnsealStatus:
        """Take a share, and unseal when it completes a quorum; `migrate` moves to the seals that are set.

        Raises NotInitialized, InvalidRequest for what cannot be a share or where `migrate` is wanted or
        has no place, and InvalidCredentials when the quorum does not open the seal; that resets progress.
        """
        if not self._barrier.sealed:
            return await self.status()
        state = await stored_state(self._storage.begin())
        self._check(state, migrate)
        if not self._quorum.progress:
            self._nonce = str(uuid4())
        parts = self._quorum.add(part, state.threshold)
        if parts:
            root_key = await self._sealing.root_key(state, parts)
            await self._barrier.check(root_key)
            if migrate:
                await self._migrate(state, root_key, parts)
            await self._barrier.unseal(root_key)
        return await self.status()

    async def open(self) -> None:
        """Unseal without people, by a key service. Raises NotInitialized, or as `Sealing.opened` does.

        While a migration is pending it raises InvalidRequest: that takes a quorum.
        """
        state = await stored_state(self._storage.begin())
        self._check(state, migrate=False)
        await self._barrier.unseal(await self._sealing.opened(state))

    async def unconfigured(self) -> list[Wrapping]:
        """What key services hold that the configuration does not name."""
        try:
            return self._sealing.foreign(await stored_state(self._storage.begin()))
        except NotInitialized:
            return []

    def reset(self) -> None:
        """Forget the shares handed in so far."""
        self._quorum.reset()

    def _check(self, state: SealState, migrate: bool) -> None:
        pending = self._sealing.migrating(state)
        if migrate and not pending:
            raise InvalidRequest("can't perform a seal migration, no migration seal found")
        if pending and not migrate:
            raise InvalidRequest("migrate option not provided and seal migration is pending")

    async def _migrate(self, state: SealState, root_key: bytes, parts: list[bytes]) -> None:
        """Hand the root key to the seals that are set; the shares stay, as keys of the other sort."""
        candidate = await self._sealing.around(root_key, seal_from(parts), state.shares, state.threshold)

        async def prove(read_back: SealState) -> None:
            if not equal(await self._sealing.root_key(read_back, parts), root_key):
                raise IntegrityFailure("the new seal does not give the root key; nothing was changed")

        await replace_state(self._storage, state, candidate, prove)
