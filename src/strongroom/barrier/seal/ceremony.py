"""What the ceremonies share: reading the seal's state and opening it with a quorum."""

from uuid import uuid4

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.sealing import Sealing
from strongroom.barrier.seal.shamir import Quorum
from strongroom.barrier.seal.state import SealState, stored_state
from strongroom.crypto.mac import equal
from strongroom.errors import IntegrityFailure, InvalidRequest
from strongroom.storage.contract import Storage


class Attempt:
    """One run of a ceremony: its nonce, which every share must name, and the shares so far."""

    def __init__(self) -> None:
        self.nonce = str(uuid4())
        self.quorum = Quorum()

    def check(self, nonce: str) -> None:
        """Raise InvalidRequest unless `nonce` names this attempt."""
        if not equal(self.nonce.encode(), nonce.encode("utf-8", "replace")):
            raise InvalidRequest("the nonce given belongs to another attempt")


class Keeper:
    """The store and its barrier, as a ceremony on an open barrier sees them."""

    def __init__(self, storage: Storage, barrier: Barrier, sealing: Sealing | None) -> None:
        self.sealing = sealing or Sealing()
        self.storage = storage
        self.barrier = barrier

    async def state(self) -> SealState:
        """Read the seal's state. Raises NotInitialized."""
        return await stored_state(self.storage.begin())

    async def authorize(self, attempt: Attempt, part: bytes, nonce: str) -> bytes | None:
        """Take a share; return the root key once a quorum has proven itself, None before.

        Raises Sealed, InvalidRequest for a wrong nonce or length, InvalidCredentials for wrong shares.
        """
        attempt.check(nonce)
        self.barrier.begin()
        state = await self.state()
        parts = attempt.quorum.add(part, state.threshold)
        if not parts:
            return None
        root_key = await self.sealing.root_key(state, parts)
        if not self.barrier.holds(root_key):
            raise IntegrityFailure("the seal holds another root key than the open barrier")
        return root_key
