"""What a blob that is stored whole shares with a version of its file read before: how both begin and end.

A pack's deltas tell it for most blobs (deltas.py); loose objects and those that git is asked for have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.scanner.blob import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from strongroom.scanner.blob import Blob

KEPT = 32 << 20  # bytes of texts that are remembered
LARGEST = 4 << 20  # bytes of a text that is


class Lineage:
    """The last version of each file, as far as KEPT allows: the one used longest ago goes first."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[bytes, Version]] = {}
        self._size = 0

    def of(self, blobs: Iterable[Blob]) -> Iterator[Blob]:
        """Yield `blobs`, each text with what it has from the last of the same path."""
        for blob in blobs:
            if len(blob.data) <= LARGEST and 0 not in blob.data:
                blob.version = self._follow(blob.provenance.path, blob.data)
            yield blob

    def _follow(self, path: str, data: bytes) -> Version:
        version = Version(len(data))
        last = self._last.pop(path, None)
        if last is not None:
            text, base = last
            self._size -= len(text)
            version.copies = copies(text, data)
            version.base = base if version.copies else None
        self._last[path] = data, version
        self._size += len(data)
        while self._size > KEPT:
            text, _ = self._last.pop(next(iter(self._last)))
            self._size -= len(text)
        return version


def copies(base: bytes, data: bytes) -> list[tuple[int, int, int]]:
    """The beginning and the end that `data` has from `base`, as (to, from, length); they do not overlap."""
    size, most = len(data), min(len(base), len(data))
    front = _alike(base, data, most)
    back = _alike_at_end(base, data, most - front)
    found = [(0, 0, front), (size - back, len(base) - back, back)]
    return [copy for copy in found if copy[2]]


def _alike(a: bytes, b: bytes, most: int) -> int:
    """How many bytes both begin with, at most `most`."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _alike_at_end(a: bytes, b: bytes, most: int) -> int:
    """How many bytes both end with, at most `most`."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle - 1
    return low
