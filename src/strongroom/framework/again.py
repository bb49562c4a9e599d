"""An answer that can be given again: what the door leaves with it for those who will ask the same.

Whoever holds one must present it only for a request that is the same but for its id: operation, path,
token, namespace, header fields the door sees, address. See ADR 0014.
"""

from collections.abc import Callable
from typing import Protocol

from strongroom.errors import StrongroomError

Done = Callable[[StrongroomError | None], None]


class Again(Protocol):
    """One answer, and what it rested on."""

    @property
    def size(self) -> int:
        """About what it holds in memory, in bytes."""
        ...

    def begin(self, identifier: str, done: Done) -> bool:
        """Have the same answer again, under a new request id; False when the request must be asked anew.

        When it is True everything has been decided and written to the audit log; `done` is called
        once that is on disk: only then, and without an error, may the answer be given.
        """
        ...
