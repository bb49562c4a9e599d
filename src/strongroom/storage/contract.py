"""The storage contract: an ordered map from key to bytes, changed in transactions.

Keys are `/`-separated text, never empty, compared by their UTF-8 bytes. Nothing above the
barrier talks to storage, and storage never sees plaintext.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable


class Conflict(Exception):
    """Something this transaction read has changed; run it again."""


class Transaction(Protocol):
    """A consistent read set and a buffered write set.

    Reads see this transaction's own writes first. Nothing is visible to others
    before `commit` returns, and `commit` returns only when the writes are
    durable. A transaction that wrote nothing commits without touching the disk,
    once everything it read is durable.
    """

    @property
    def dirty(self) -> bool:
        """Whether anything is to be written."""
        ...

    async def get(self, key: str) -> bytes | None:
        """Return the value at `key`, or None."""
        ...

    async def scan(self, prefix: str, after: str = "", limit: int = 1000) -> list[str]:
        """Return up to `limit` keys that start with `prefix` and sort after `after` (a whole key)."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Buffer a write."""
        ...

    def delete(self, key: str) -> None:
        """Buffer a deletion; deleting what is not there is not an error."""
        ...

    async def commit(self) -> None:
        """Make the writes durable, all or none.

        Raises Conflict when a key read (or a range scanned) has changed since.
        Raises StorageFull when the disk has no room: nothing was written.
        """
        ...


@runtime_checkable
class Rereadable(Protocol):
    """A transaction that can tell at once whether reading again would give the same."""

    def unchanged(self) -> bool:
        """Whether all that was read is so still and durable; False too where only waiting could tell."""
        ...

    def held(self) -> int:
        """How many bytes of what was read it keeps for that."""
        ...


class Storage(Protocol):
    """A backend: memory, sqlite, postgresql."""

    def begin(self) -> Transaction:
        """Start a transaction; it holds no lock."""
        ...

    async def close(self) -> None:
        """Finish what was handed to `commit` and release the store."""
        ...


@runtime_checkable
class Copied(Protocol):
    """A backend that can be copied while it serves."""

    async def backup(self, path: Path) -> str:
        """Write a consistent copy to `path`, a snapshot in SQLite's format; return its SHA-256 in hex.

        Every commit acknowledged before is in it. Raises InvalidRequest when `path` exists, StorageFull
        when there is no room, Unavailable.
        """
        ...


@runtime_checkable
class Shared(Protocol):
    """A backend on which several nodes work at once."""

    def begin(self, moment: int = 0) -> Transaction:
        """Start a transaction that reads nothing older than `moment`, which is past, or than now."""
        ...

    async def fresh(self) -> int:
        """Hear of every change up to now, of any node; return a moment for `begin`. Raises Unavailable."""
        ...

    def watch(self, watcher: Callable[[Sequence[str] | None], None]) -> None:
        """Tell `watcher` which keys other nodes changed, before any answer rests on it; None for any key."""
        ...

    def hurry(self) -> None:
        """The server stops: from now on, refuse what cannot be asked at once."""
        ...

    @property
    def reachable(self) -> bool:
        """Whether the store answers, as far as is known."""
        ...


class StorageFull(Exception):
    """The disk has no room; the write was refused and nothing changed."""


class StoreInUse(Exception):
    """Another process holds this store."""
