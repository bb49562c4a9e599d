"""Tending the key services of an open store: whether each would open it, and that each wraps it.

A service that was added or away when the root key was wrapped wraps it now, one whose key has a
newer version wraps it anew, and one that is disabled is dropped, as soon as another is seen to open.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.replacing import replace_state
from strongroom.barrier.seal.sealing import Backend, Sealing
from strongroom.barrier.seal.state import SHAMIR, SealState, Wrapping, stored_state
from strongroom.clock import Clock
from strongroom.errors import IntegrityFailure, StrongroomError
from strongroom.storage.contract import Storage


@dataclass(frozen=True, slots=True)
class Health:
    """How a service was when it was last asked; `since` is when it stopped answering, `why` what it said."""

    healthy: bool
    since: float = 0.0
    why: str = ""


class Tending:
    """Holds the health of the services; `fully_wrapped` is whether each of them wraps the root key."""

    def __init__(self, storage: Storage, barrier: Barrier, sealing: Sealing, clock: Clock) -> None:
        self._storage = storage
        self._barrier = barrier
        self._sealing = sealing
        self._clock = clock
        self._health: dict[str, Health] = {}
        self.fully_wrapped = False

    @property
    def health(self) -> Mapping[str, Health]:
        """By name; who was not asked yet is missing."""
        return self._health

    @property
    def well(self) -> bool:
        """Whether each service would open the store."""
        return self.fully_wrapped and all(one.healthy for one in self._health.values())

    async def tend(self, *, anew: bool = False) -> bool:
        """Ask every service, and bring the stored state up to date; whether that changed it.

        `anew` wraps the root key again even under the same version. Raises Sealed, and InvalidRequest
        when the seal is changed meanwhile.
        """
        self._barrier.begin()
        state = await stored_state(self._storage.begin())
        if state.kind == SHAMIR or self._sealing.migrating(state):
            return False
        opened = await self._opened(state)
        if not opened:
            self.fully_wrapped = False
            return False
        root_key = next(iter(opened.values()))
        wrappings = await self._brought_up(state, root_key, opened, anew=anew)
        target = state.under(wrappings)
        self.fully_wrapped = all(self._sealing.holding(target, one) for one in self._sealing.enabled)
        if set(wrappings) == set(state.held):
            return False
        await replace_state(self._storage, state, target, self._prove)
        return True

    def note_failures(self) -> None:
        """Take over why services did not open the store."""
        for backend in self._sealing.enabled:
            if backend.name in self._sealing.failures:
                self._ill(backend, self._sealing.failures[backend.name])

    async def _opened(self, state: SealState) -> dict[str, bytes]:
        """The root key from each service that gives it."""
        found = {}
        for backend in self._sealing.enabled:
            wrapping = self._sealing.holding(state, backend)
            if wrapping is None:
                continue
            try:
                found[backend.name] = await self._proven(state, backend, wrapping)
                self._health[backend.name] = Health(healthy=True)
            except StrongroomError as error:
                self._ill(backend, error)
        return found

    async def _proven(self, state: SealState, backend: Backend, wrapping: Wrapping) -> bytes:
        root_key = await self._sealing.unwrapped(state, backend, wrapping)
        if not self._barrier.holds(root_key):
            raise IntegrityFailure("the seal holds another root key than the open barrier")
        return root_key

    async def _brought_up(
        self, state: SealState, root_key: bytes, opened: Mapping[str, bytes], *, anew: bool
    ) -> list[Wrapping]:
        """The wrappings as they should be: of those configured in their order, then of those that are not."""
        kept: list[Wrapping] = []
        for backend in self._sealing.enabled:
            present = self._sealing.holding(state, backend)
            asked = present is None or backend.name in opened
            fresh = await self._fresh(state, backend, root_key) if asked else None
            use = _newer(backend, present, fresh, anew=anew)
            kept += [use] if use is not None else []
        return kept + self._sealing.foreign(state)

    async def _fresh(self, state: SealState, backend: Backend, root_key: bytes) -> Wrapping | None:
        if backend.name in self._sealing.refused:
            return None
        try:
            made = await self._sealing.wrapping(state, backend, root_key)
        except StrongroomError as error:
            self._ill(backend, error)
            return None
        self._health[backend.name] = Health(healthy=True)
        return made

    async def _prove(self, candidate: SealState) -> None:
        """Raise unless one service of the new state gives the root key of the open barrier."""
        if not self._barrier.holds(await self._sealing.opened(candidate)):
            raise IntegrityFailure("the new seal holds another root key than the open barrier")

    def _ill(self, backend: Backend, error: StrongroomError) -> None:
        before = self._health.get(backend.name)
        since = self._clock.now() if before is None or before.healthy else before.since
        self._health[backend.name] = Health(healthy=False, since=since, why=str(error))


def _newer(
    backend: Backend, present: Wrapping | None, fresh: Wrapping | None, *, anew: bool
) -> Wrapping | None:
    """`fresh` where it is wanted: there was none, another version of the key, or a new one asked for."""
    if fresh is None or present is None:
        return fresh or present
    rotated = backend.seal.version(fresh.wrapped) != backend.seal.version(present.wrapped)
    return fresh if anew or rotated else present
