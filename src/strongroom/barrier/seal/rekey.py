"""Rekey: replacing the key shares, and the root key too when asked.

The new state is stored beside the old one, read back and opened with the new
shares, and only then put in the old one's place, by one write. A crash at any
point leaves the old shares or the new ones working.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.ceremony import Attempt, Keeper
from strongroom.barrier.seal.replacing import staged
from strongroom.barrier.seal.sealing import Sealing
from strongroom.barrier.seal.shamir import check_numbers
from strongroom.barrier.seal.state import NEXT_STATE_KEY, STATE_KEY, SealState
from strongroom.crypto.aead import KEY_BYTES
from strongroom.crypto.random import random_bytes
from strongroom.errors import InvalidRequest
from strongroom.storage.contract import Storage

Keep = Callable[[list[bytes]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RekeyStatus:
    """What `sys/rekey/init` says; zeros and empty texts when none is under way."""

    started: bool = False
    nonce: str = ""
    shares: int = 0
    threshold: int = 0
    progress: int = 0
    required: int = 0
    verification_required: bool = False
    verification_nonce: str = ""
    verification_progress: int = 0


class _Run:
    """One rekey under way, and after the quorum what waits for verification."""

    def __init__(self, shares: int, threshold: int, verify: bool, rotate_root: bool) -> None:
        self.shares = shares
        self.threshold = threshold
        self.verify = verify
        self.rotate_root = rotate_root
        self.attempt = Attempt()
        self.verification: Attempt | None = None
        self.candidate: SealState | None = None


class Rekey:
    """The ceremony. One runs at a time; what it has collected lives in memory only."""

    def __init__(self, storage: Storage, barrier: Barrier, sealing: Sealing | None = None) -> None:
        self._keeper = Keeper(storage, barrier, sealing)
        self._run: _Run | None = None

    async def status(self) -> RekeyStatus:
        """Describe the rekey under way, if any. Raises NotInitialized."""
        required = (await self._keeper.state()).threshold
        run = self._run
        if run is None:
            return RekeyStatus(required=required)
        check = run.verification
        return RekeyStatus(
            started=True,
            nonce=run.attempt.nonce,
            shares=run.shares,
            threshold=run.threshold,
            progress=run.attempt.quorum.progress,
            required=required,
            verification_required=run.verify,
            verification_nonce=check.nonce if check else "",
            verification_progress=check.quorum.progress if check else 0,
        )

    async def start(
        self, shares: int, threshold: int, *, require_verification: bool = False, rotate_root: bool = False
    ) -> RekeyStatus:
        """Begin. Raises Sealed, and InvalidRequest for impossible numbers or while another one runs."""
        self._keeper.barrier.begin()
        check_numbers(shares, threshold)
        if self._run is not None:
            raise InvalidRequest("a rekey is already in progress")
        self._run = _Run(shares, threshold, require_verification, rotate_root)
        return await self.status()

    async def submit(self, part: bytes, nonce: str, keep: Keep | None = None) -> list[bytes]:
        """Take a present share; return the new shares once a quorum agreed, an empty list before.

        With verification required the old shares stay in force until `verify` has
        seen a quorum of the new ones. `keep` may store a copy of the new shares before
        they take over. Raises as `Keeper.authorize` does.
        """
        run = self._running()
        if run.candidate is not None:
            raise InvalidRequest("the quorum is complete; the new shares wait to be verified")
        root_key = await self._keeper.authorize(run.attempt, part, nonce)
        if root_key is None:
            return []
        new_root_key = random_bytes(KEY_BYTES) if run.rotate_root else root_key
        candidate, parts = await self._keeper.sealing.made(new_root_key, run.shares, run.threshold)
        if keep is not None:
            await keep(parts)
        run.candidate = candidate
        if run.verify:
            run.verification = Attempt()
            return parts
        # Should installing fail, nobody has seen these shares: the run ends and the old ones stay.
        self._run = None
        await self._install(run.candidate, parts[-run.threshold :])
        return parts

    async def verify(self, part: bytes, nonce: str) -> bool:
        """Take a new share; True once a quorum opened the new seal and it took the old one's place.

        Raises InvalidRequest, and InvalidCredentials for wrong shares, which resets their progress only.
        """
        run = self._running()
        if run.verification is None or run.candidate is None:
            raise InvalidRequest("no new shares wait to be verified")
        run.verification.check(nonce)
        parts = run.verification.quorum.add(part, run.threshold)
        if not parts:
            return False
        await self._install(run.candidate, parts)
        self._run = None
        return True

    def restart_verification(self) -> None:
        """Forget the new shares handed in for verification; the shares themselves stay as issued."""
        run = self._running()
        if run.verification is None:
            raise InvalidRequest("no new shares wait to be verified")
        run.verification.quorum.reset()
        run.verification = Attempt()

    def cancel(self) -> None:
        """Drop the rekey; the present shares stay in force."""
        run, self._run = self._run, None
        if run is not None:
            run.attempt.quorum.reset()
        if run is not None and run.verification is not None:
            run.verification.quorum.reset()

    def _running(self) -> _Run:
        if self._run is None:
            raise InvalidRequest("no rekey is in progress")
        return self._run

    async def _install(self, candidate: SealState, parts: list[bytes]) -> None:
        read_back = await staged(self._keeper.storage, candidate)
        root_key = await self._keeper.sealing.root_key(read_back, parts)
        await self._keeper.barrier.rewrap(root_key, {STATE_KEY: read_back.encoded(), NEXT_STATE_KEY: None})
