"""What the core asks of the audit log; the audit package provides it, the server joins them."""

from collections.abc import Callable
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class AuditLog(Protocol):
    """The append-only log. One writer gives each entry its sequence."""

    def append(self, entry: bytes) -> int:
        """Queue one JSON object (no sequence, no newline) and return its sequence.

        Raises AuditFailed when the log cannot take entries.
        """
        ...

    @property
    def size(self) -> int:
        """How many entries are on disk."""
        ...

    async def flushed(self, sequence: int) -> None:
        """Return once the entry is on disk; raises AuditFailed when it could not be written."""
        ...

    def then(self, sequence: int, call: Callable[[str], None]) -> None:
        """Call `call` once the entry is on disk, or with a reason when it could not be written."""
        ...

    async def set_signer(self, private: Ed25519PrivateKey | None) -> None:
        """Sign checkpoints with this key from now on; None while sealed."""
        ...

    async def checkpoint(self) -> str:
        """A signed checkpoint that covers every entry flushed so far. Raises AuditFailed while sealed."""
        ...
