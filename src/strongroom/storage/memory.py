"""Storage in memory: the fake that tests use, and dev mode's store. Durable as long as the process."""

from bisect import bisect_left, bisect_right, insort

from strongroom.storage.contract import Transaction
from strongroom.storage.optimistic import OptimisticTransaction, Writes


class MemoryStorage:
    """A dict and its keys in order. Python compares text by code point, which is UTF-8 byte order."""

    def __init__(self) -> None:
        self.changes = 0
        self.unsettled: Writes = {}
        self._values: dict[str, bytes] = {}
        self._order: list[str] = []

    def begin(self) -> Transaction:
        """Start a transaction; it holds no lock."""
        return OptimisticTransaction(self)

    async def close(self) -> None:
        """Nothing is held."""

    def read(self, key: str) -> bytes | None:
        """Return the value at `key`."""
        return self._values.get(key)

    def keys(self, prefix: str, after: str, limit: int) -> list[str]:
        """Return up to `limit` keys that start with `prefix` and sort after `after`."""
        order = self._order
        start = max(bisect_left(order, prefix), bisect_right(order, after))
        found = order[start : start + limit]
        if found and not found[-1].startswith(prefix):
            return [key for key in found if key.startswith(prefix)]
        return found

    async def settle(self) -> None:
        """Everything is as durable as it will be."""

    async def apply(self, writes: Writes) -> None:
        """Change the map."""
        self.changes += 1
        for key, value in writes.items():
            known = key in self._values
            if value is not None:
                self._values[key] = value
                if not known:
                    insort(self._order, key)
            elif known:
                del self._values[key]
                del self._order[bisect_left(self._order, key)]
