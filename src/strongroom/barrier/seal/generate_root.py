"""Generating a root token: a quorum of share holders makes one, and only the starter can read it.

The token is returned XORed with a one-time password that the starter alone knows,
as Vault does, so the last share holder does not get it.
"""

import base64
import string
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import SystemRandom

from strongroom.barrier.barrier import Barrier
from strongroom.barrier.seal.ceremony import Attempt, Keeper
from strongroom.barrier.seal.sealing import Sealing
from strongroom.errors import InvalidRequest
from strongroom.storage.contract import Storage

_ALPHABET = string.ascii_letters + string.digits

IssueToken = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class GenerateRootStatus:
    """What `sys/generate-root/attempt` says; `otp` only in the answer that started it."""

    started: bool
    nonce: str
    progress: int
    required: int
    complete: bool
    otp_length: int
    otp: str = ""
    encoded_token: str = ""


class GenerateRoot:
    """The ceremony. `issue` makes a durable root token of `token_length` characters."""

    def __init__(
        self,
        storage: Storage,
        barrier: Barrier,
        issue: IssueToken,
        token_length: int,
        sealing: Sealing | None = None,
    ) -> None:
        self._keeper = Keeper(storage, barrier, sealing)
        self._issue = issue
        self._token_length = token_length
        self._attempt: Attempt | None = None
        self._otp = b""

    async def status(self) -> GenerateRootStatus:
        """Describe the attempt under way, if any. Raises NotInitialized."""
        required = (await self._keeper.state()).threshold
        attempt = self._attempt
        nonce = attempt.nonce if attempt else ""
        progress = attempt.quorum.progress if attempt else 0
        return GenerateRootStatus(
            attempt is not None, nonce, progress, required, complete=False, otp_length=self._token_length
        )

    async def start(self, otp: str = "") -> GenerateRootStatus:
        """Begin, with the starter's password or a fresh one.

        Raises Sealed, and InvalidRequest for a password of the wrong length or while another attempt runs.
        """
        self._keeper.barrier.begin()
        if self._attempt is not None:
            raise InvalidRequest("a root generation is already in progress")
        chosen = otp or "".join(SystemRandom().choices(_ALPHABET, k=self._token_length))
        if len(chosen.encode()) != self._token_length:
            raise InvalidRequest(f"the one-time password must have {self._token_length} characters")
        self._attempt = attempt = Attempt()
        self._otp = chosen.encode()
        required = (await self._keeper.state()).threshold
        return GenerateRootStatus(
            started=True,
            nonce=attempt.nonce,
            progress=0,
            required=required,
            complete=False,
            otp_length=self._token_length,
            otp="" if otp else chosen,
        )

    async def submit(self, part: bytes, nonce: str) -> GenerateRootStatus:
        """Take a share; issue the token once a quorum agreed. Raises as `Keeper.authorize` does."""
        attempt, otp = self._attempt, self._otp
        if attempt is None:
            raise InvalidRequest("no root generation is in progress")
        if await self._keeper.authorize(attempt, part, nonce) is None:
            return await self.status()
        if self._attempt is not attempt:
            raise InvalidRequest("the root generation was cancelled meanwhile")
        self.cancel()
        required = (await self._keeper.state()).threshold
        token = (await self._issue()).encode()
        if len(token) != len(otp):
            raise ValueError("the token and the one-time password differ in length")
        masked = bytes(left ^ right for left, right in zip(token, otp, strict=True))
        encoded = base64.b64encode(masked).decode().rstrip("=")
        return GenerateRootStatus(
            started=True,
            nonce=attempt.nonce,
            progress=required,
            required=required,
            complete=True,
            otp_length=self._token_length,
            encoded_token=encoded,
        )

    def cancel(self) -> None:
        """Drop the attempt."""
        if self._attempt is not None:
            self._attempt.quorum.reset()
        self._attempt = None
        self._otp = b""
