"""Inflate the delta trees of a pack, each object once.

`isal` inflates, dulwich's compiled routine applies the deltas. A base is kept
only while a delta on it is still to come. What cannot be read here (damage, a
tree that would need too much memory at once) is handed to `Unread`, for git to
try: it may know another copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dulwich.errors import ApplyDeltaError

from strongroom.scanner.blob import Blob, Version
from strongroom.scanner.sources.deltas import copies
from strongroom.scanner.sources.inflate import InflateError, inflate

try:
    from dulwich._pack import apply_delta  # type: ignore[import-not-found]  # compiled, no stub
except ImportError:  # a platform without the compiled wheel
    from dulwich.pack import apply_delta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from strongroom.scanner.blob import Provenance
    from strongroom.scanner.sources.packs import Forest

    Name = Callable[[bytes], Provenance]

LIVE_BYTES = 256 << 20  # of bases kept at once; beyond it the rest of a tree is git's to read
DAMAGE = (InflateError, ApplyDeltaError, ValueError, IndexError, OverflowError, MemoryError)


class Reader:
    """Reads chosen delta trees of one forest. `unread` collects the ids left for git."""

    def __init__(self, forest: Forest, max_size: int) -> None:
        self.forest = forest
        self.pack = forest.pack
        self.max_size = max_size
        self.unread: list[bytes] = []
        self._live = 0

    def blobs(self, roots: Sequence[int], name: Name) -> Iterator[Blob]:
        """Yield the wanted blobs of the trees under `roots`, in pack order."""
        emit = self.forest.emit
        id_at = self.pack.id_at
        for root in roots:
            for k, data, version in self._tree(root):
                if emit[k]:
                    blob = id_at(k)
                    yield Blob(blob.hex(), data, name(blob), version=version)

    def _tree(self, root: int) -> Iterator[tuple[int, bytes, Version]]:
        """Yield each object of a delta tree, depth first, with what it has from its base."""
        first, after = self.forest.first, self.forest.after
        data = self._inflate(root)
        if data is None:
            self._give_up(root)
            return
        version = Version(len(data))
        yield root, data, version
        waiting = [(first[root], data, version)] if first[root] else []
        self._live = len(data)
        while waiting:
            following, base, origin = waiting.pop()
            k = following - 1
            if after[k]:
                waiting.append((after[k], base, origin))
            else:
                self._live -= len(base)
            version = Version(0, origin)
            child = self._apply(base, k, version)
            if child is None:
                self._give_up(k)
                continue
            yield k, child, version
            if first[k]:
                waiting.append((first[k], child, version))
                self._live += len(child)

    def _inflate(self, k: int) -> bytes | None:
        pack, at, size = self.pack, self.forest.bodies[k], self.forest.sizes[k]
        try:
            if size > self.max_size:
                return None
            data: bytes = inflate(pack.buffer[at : pack.starts[k + 1]], 15, size or 1)
        except DAMAGE:
            return None
        return data if len(data) == size else None

    def _apply(self, base: bytes, k: int, version: Version) -> bytes | None:
        """Return object k, a delta on `base`, and note in `version` what it copies."""
        pack, at, size = self.pack, self.forest.bodies[k], self.forest.sizes[k]
        try:
            if size > self.max_size or self._live > LIVE_BYTES:
                return None
            delta = inflate(pack.buffer[at : pack.starts[k + 1]], 15, size)
            if len(delta) != size or (made_size := target_size(delta)) > self.max_size:
                return None
            made = apply_delta(base, delta)
            version.size = made_size
            version.copies = copies(delta, made_size)
            return made[0] if len(made) == 1 else b"".join(made)
        except DAMAGE:
            return None

    def _give_up(self, top: int) -> None:
        """Leave `top` and all deltas under it to git."""
        first, after, emit = self.forest.first, self.forest.after, self.forest.emit
        waiting = [top]
        while waiting:
            k = waiting.pop()
            if emit[k]:
                self.unread.append(self.pack.id_at(k))
            following = first[k]
            while following:
                waiting.append(following - 1)
                following = after[following - 1]


def target_size(delta: bytes) -> int:
    """Return the size that `delta` says its result has: the second of its two numbers."""
    at = 0
    while delta[at] & 128:
        at += 1
    at += 1
    size = shift = 0
    while True:
        byte = delta[at]
        size |= (byte & 127) << shift
        shift += 7
        at += 1
        if not byte & 128:
            return size
