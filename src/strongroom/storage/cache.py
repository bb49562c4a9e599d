"""A bounded cache of ciphertext, kept exact by its owner.

Two generations stand in for least-recently-used order: a hit in the old one moves
the entry to the young one, and when the young one is full it becomes the old.
"""

from collections.abc import Callable

# What CPython spends on a key, a value header and a dict slot besides the bytes themselves.
_ENTRY_BYTES = 250
_ABSENT = bytes(bytearray(b"absent"))


class Cache:
    """Values by key, and the knowledge that a key holds nothing (None)."""

    __slots__ = ("_half_bytes", "_old", "_young", "_young_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._half_bytes = limit_bytes // 2
        self._young: dict[str, bytes | None] = {}
        self._old: dict[str, bytes | None] = {}
        self._young_bytes = 0

    def get(self, key: str, load: Callable[[str], bytes | None]) -> bytes | None:
        """Return the value at `key`, asking `load` when it is not here."""
        value = self._young.get(key, _ABSENT)
        if value is not _ABSENT:
            return value
        value = self._old.get(key, _ABSENT)
        if value is _ABSENT:
            value = load(key)
        self.set(key, value)
        return value

    def set(self, key: str, value: bytes | None) -> None:
        """Remember `value`, unless it alone would push out most of the rest."""
        size = _ENTRY_BYTES + (len(value) if value else 0)
        if size > self._half_bytes // 8:
            self.drop(key)
            return
        # An overwritten entry is counted twice until its generation ends; that only ends it sooner.
        self._young[key] = value
        self._young_bytes += size
        if self._young_bytes > self._half_bytes:
            self._old, self._young, self._young_bytes = self._young, {}, 0

    def drop(self, key: str) -> None:
        """Know nothing of `key` any more."""
        self._young.pop(key, None)
        self._old.pop(key, None)
