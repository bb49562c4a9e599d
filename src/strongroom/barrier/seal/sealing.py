"""How the seal's state is made and opened, whether people hold its key or key services do.

Under key services the shares are **recovery keys**: they prove that a quorum agrees and open
nothing. What they open is a proof, derived from the root key, which neither gives the root key
away nor can be made without it: who can write the store cannot put shares of their own there.

With several services each wraps the root key, and any one of them opens the store.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import structs

from strongroom.barrier.seal.shamir import new_shares, seal_from
from strongroom.barrier.seal.state import SHAMIR, Seal, SealState, Wrapping, kind_of
from strongroom.crypto.mac import equal, hmac_sha256
from strongroom.errors import (
    IntegrityFailure,
    InvalidCredentials,
    InvalidRequest,
    RateLimited,
    StrongroomError,
    Unavailable,
    UpstreamFailed,
)

_PROOF = b"strongroom recovery keys, version 1"

AWAY = (UpstreamFailed, Unavailable, RateLimited)
"""What a service raises that may answer later."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A key service as the configuration names it. One that is disabled opens, and wraps nothing new."""

    name: str
    seal: Seal
    disabled: bool = False


class Sealing:
    """The key services in the order they are tried; without an enabled one people hold the key.

    A service that refused (a wrong PIN, another key) is not asked again until people act: a few
    more attempts lock a token. `failures` is why services did not open the store the last time.
    """

    def __init__(self, *backends: Backend) -> None:
        self.backends = backends
        self.enabled = tuple(backend for backend in backends if not backend.disabled)
        self.refused: dict[str, StrongroomError] = {}
        self.failures: dict[str, StrongroomError] = {}

    @property
    def automatic(self) -> bool:
        """Whether key services are to open the store."""
        return bool(self.enabled)

    @property
    def kind(self) -> str:
        """The kind of the states made."""
        return kind_of([backend.seal.kind for backend in self.enabled])

    def holding(self, state: SealState, backend: Backend) -> Wrapping | None:
        """What `backend` has wrapped of `state`."""
        return next((one for one in state.held if _of(one, backend)), None)

    def foreign(self, state: SealState) -> list[Wrapping]:
        """What services hold of `state` that the configuration does not name."""
        return [one for one in state.held if not any(_of(one, backend) for backend in self.backends)]

    def opens(self, state: SealState) -> bool:
        """Whether a service of the configuration, disabled or not, holds `state`; or people, as it says."""
        if state.kind == SHAMIR:
            return True
        return any(self.holding(state, backend) is not None for backend in self.backends)

    def migrating(self, state: SealState) -> bool:
        """Whether `state` is held by none of those that the configuration wants to hold it."""
        if state.kind == SHAMIR:
            return self.automatic
        return not any(self.holding(state, backend) for backend in self.enabled)

    async def made(
        self, root_key: bytes, shares: int, threshold: int, *, every: bool = False
    ) -> tuple[SealState, list[bytes]]:
        """A state around `root_key`, and its shares. Raises InvalidRequest, or as `around` does."""
        held, parts = new_shares(shares, threshold)
        return await self.around(root_key, held, shares, threshold, every=every), parts

    async def around(
        self, root_key: bytes, held: Seal, shares: int, threshold: int, *, every: bool = False
    ) -> SealState:
        """A state around `root_key` for the shares that `held` was rebuilt from.

        Services that are away are left out, unless `every` one is asked for. Raises what they raise
        when none wraps it.
        """
        bare = SealState(self.kind, shares, threshold)
        if not self.automatic:
            return await bare.around(root_key, held)
        state = bare.under(await self._wrapped(bare, root_key, every=every))
        recovery = await held.wrap(_proof(root_key), state.recovery_associated)
        return structs.replace(state, recovery=recovery)

    async def root_key(self, state: SealState, parts: Sequence[bytes]) -> bytes:
        """The root key, as a quorum has agreed.

        Raises InvalidCredentials when the shares are not this seal's, else as `opened` does.
        """
        quorum = seal_from(parts)
        try:
            if state.kind == SHAMIR:
                return await state.root_key(quorum)
            proof = await quorum.unwrap(state.recovery, state.recovery_associated)
        except IntegrityFailure:
            raise InvalidCredentials("the key shares do not open the seal; progress was reset") from None
        self.refused.clear()
        root_key = await self.opened(state)
        if not equal(proof, _proof(root_key)):
            raise IntegrityFailure("the recovery keys were not made with this root key")
        return root_key

    async def opened(self, state: SealState) -> bytes:
        """The root key, from the first key service that gives it.

        Raises InvalidRequest when none of them has wrapped it. When none gives it, what one that may
        answer later has raised, else what the last one has.
        """
        failures = self.failures = {}
        for backend in self.backends:
            wrapping = self.holding(state, backend)
            if wrapping is None:
                continue
            try:
                return await self.unwrapped(state, backend, wrapping)
            except StrongroomError as error:
                failures[backend.name] = error
        if not failures:
            raise InvalidRequest(f"the store is sealed by {state.kind}, and the server is set to {self.kind}")
        found = list(failures.values())
        raise next((error for error in found if isinstance(error, AWAY)), found[-1])

    async def unwrapped(self, state: SealState, backend: Backend, wrapping: Wrapping) -> bytes:
        """The root key, from this service. Raises as it does; again what it raised when it refused."""
        if backend.name in self.refused:
            raise self.refused[backend.name]
        try:
            return await backend.seal.unwrap(wrapping.wrapped, state.associated(wrapping.kind))
        except (IntegrityFailure, InvalidCredentials) as error:
            self.refused[backend.name] = error
            raise

    async def wrapping(self, state: SealState, backend: Backend, root_key: bytes) -> Wrapping:
        """`root_key` wrapped anew by this service, seen to open. Raises as it does."""
        kind, seal = backend.seal.kind, backend.seal
        try:
            wrapped = await seal.wrap(root_key, state.associated(kind))
            opened = await seal.unwrap(wrapped, state.associated(kind))
        except InvalidCredentials as error:
            self.refused[backend.name] = error
            raise
        if not equal(opened, root_key):
            raise IntegrityFailure(f"what the seal {backend.name} wraps does not open; nothing was changed")
        return Wrapping(backend.name, kind, wrapped)

    async def _wrapped(self, state: SealState, root_key: bytes, *, every: bool) -> list[Wrapping]:
        made: list[Wrapping] = []
        failure: StrongroomError | None = None
        for backend in self.enabled:
            try:
                made.append(await self.wrapping(state, backend, root_key))
            except (*AWAY, InvalidCredentials) as error:
                failure = error
        if failure is not None and (every or not made):
            raise failure
        return made


def _of(wrapping: Wrapping, backend: Backend) -> bool:
    """Whether it is this service's; one of another kind has only the name in common."""
    return (wrapping.name, wrapping.kind) == (backend.name, backend.seal.kind)


def _proof(root_key: bytes) -> bytes:
    return hmac_sha256(root_key, _PROOF)
