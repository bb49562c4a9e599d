"""How the seal's state is made and opened, whether people hold its key or a key service does.

Under a key service the shares are **recovery keys**: they prove that a quorum agrees and open
nothing. What they open is a proof, derived from the root key, which neither gives the root key
away nor can be made without it: who can write the store cannot put shares of their own there.
"""

from collections.abc import Sequence

from msgspec import structs

from strongroom.barrier.seal.shamir import KIND, new_shares, seal_from
from strongroom.barrier.seal.state import Seal, SealState
from strongroom.crypto.mac import equal, hmac_sha256
from strongroom.errors import IntegrityFailure, InvalidCredentials, InvalidRequest

_PROOF = b"strongroom recovery keys, version 1"


class Sealing:
    """`service` wraps the root key; without one the shares do."""

    def __init__(self, service: Seal | None = None) -> None:
        self.service = service

    @property
    def kind(self) -> str:
        """The kind of the states made."""
        return KIND if self.service is None else self.service.kind

    async def made(self, root_key: bytes, shares: int, threshold: int) -> tuple[SealState, list[bytes]]:
        """A state around `root_key`, and its shares. Raises InvalidRequest, or as the service does."""
        held, parts = new_shares(shares, threshold)
        bare = SealState(self.kind, shares, threshold)
        if self.service is None:
            return await bare.around(root_key, held), parts
        state = await bare.around(root_key, self.service)
        recovery = await held.wrap(_proof(root_key), _bound(state))
        return structs.replace(state, recovery=recovery), parts

    async def root_key(self, state: SealState, parts: Sequence[bytes]) -> bytes:
        """The root key, as a quorum has agreed.

        Raises InvalidCredentials when the shares are not this seal's, else as `opened` does.
        """
        quorum = seal_from(parts)
        try:
            if state.kind == KIND:
                return await state.root_key(quorum)
            proof = await quorum.unwrap(state.recovery, _bound(state))
        except IntegrityFailure:
            raise InvalidCredentials("the key shares do not open the seal; progress was reset") from None
        root_key = await self.opened(state)
        if not equal(proof, _proof(root_key)):
            raise IntegrityFailure("the recovery keys were not made with this root key")
        return root_key

    async def opened(self, state: SealState) -> bytes:
        """The root key, from the key service.

        Raises InvalidRequest when another kind has wrapped it, else what the service raises.
        """
        if self.service is None or self.service.kind != state.kind:
            raise InvalidRequest(f"the store is sealed by {state.kind}, and the server is set to {self.kind}")
        return await state.root_key(self.service)


def _proof(root_key: bytes) -> bytes:
    return hmac_sha256(root_key, _PROOF)


def _bound(state: SealState) -> bytes:
    return state.associated + b":recovery"
