"""Git pack files, read in-process: which blobs are in one, and as which delta trees.

Source: git's `gitformat-pack` (pack version 2, index version 2, SHA-1 and
SHA-256). Objects are numbered by their place in the pack; a delta tree is a
whole blob with all that is stored as differences from it, directly or not.
"""

from __future__ import annotations

import mmap
import struct
import sys
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

from strongroom.errors import IntegrityFailure

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

INDEX_MAGIC = b"\xfftOc\x00\x00\x00\x02"
BLOB, OFS_DELTA, REF_DELTA = 3, 6, 7
LARGE_OFFSET = 1 << 31
ENTRY_HEADER = 32  # bytes that hold an entry's type, size and how far back its base is
PACK_HEADER = 12  # magic, version, count; the trailing checksum is as long as an object id


class Pack:
    """One pack and its index. `starts[k]` is where object k begins; the last entry is the end."""

    def __init__(self, path: str, id_size: int) -> None:
        """Open `path` (the `.idx` file); raises IntegrityFailure when it or the pack is damaged."""
        self.path = path
        self.id_size = id_size
        self.index = _map(path)
        self.buffer = _map(path[:-3] + "pack")
        if self.index[:8] != INDEX_MAGIC or self.buffer[:4] != b"PACK":
            raise IntegrityFailure(f"{path} is not a pack index of version 2")
        if len(self.buffer) < PACK_HEADER + id_size:
            raise IntegrityFailure(f"the pack of {path} is cut short")
        try:
            self.count: int = struct.unpack_from(">I", self.index, 8 + 255 * 4)[0]
            self.starts, self.places = self._offsets()
        except (struct.error, ValueError, IndexError) as error:
            raise IntegrityFailure(f"{path} is cut short") from error

    def _offsets(self) -> tuple[array[int], array[int]]:
        """Return the offsets in ascending order, and for each its place in the index."""
        at = 8 + 1024 + self.count * (self.id_size + 4)
        small = _numbers("I", self.index[at : at + 4 * self.count], self.count)
        large = at + 4 * self.count
        if self.count and max(small) >= LARGE_OFFSET:
            far = len(self.index) - large - 2 * self.id_size
            table = _numbers("Q", self.index[large : large + far // 8 * 8], far // 8)
            offsets = [table[o - LARGE_OFFSET] if o >= LARGE_OFFSET else o for o in small]
        else:
            offsets = list(small)
        order = sorted(range(self.count), key=offsets.__getitem__)
        starts = array("Q", [offsets[place] for place in order])
        starts.append(len(self.buffer) - self.id_size)
        return starts, array("I", order)

    def ids(self) -> Iterator[tuple[bytes]]:
        """Yield the object ids in the order of the index, each in a tuple."""
        return struct.iter_unpack(f"{self.id_size}s", self.index[1032 : 1032 + self.count * self.id_size])

    def id_at(self, k: int) -> bytes:
        """Return the object id of object k."""
        at = 1032 + self.places[k] * self.id_size
        return self.index[at : at + self.id_size]

    def entry(self, k: int) -> tuple[int, int, int, int]:
        """Return type, size when inflated, where an offset delta has its base (else -1) and its content."""
        start = self.starts[k]
        head = self.buffer[start : start + ENTRY_HEADER]
        byte = head[0]
        kind = byte >> 4 & 7
        size = byte & 15
        shift, at = 4, 1
        while byte & 128:
            byte = head[at]
            size |= (byte & 127) << shift
            shift, at = shift + 7, at + 1
        if kind != OFS_DELTA:
            return kind, size, -1, start + at + (self.id_size if kind == REF_DELTA else 0)
        byte = head[at]
        back = byte & 127
        while byte & 128:
            at += 1
            byte = head[at]
            back = (back + 1) << 7 | byte & 127
        return kind, size, start - back, start + at + 1

    def number_at(self, offset: int) -> int:
        """Return the number of the object that begins at `offset`, -1 where none does."""
        k = bisect_left(self.starts, offset)
        return k if k < self.count and self.starts[k] == offset else -1


class Forest:
    """The delta trees of a pack's blobs, as linked lists in arrays (24 bytes an object).

    `first[k]` is the number of the first delta on object k, `after[k]` the next
    one on the same base, both plus one so that 0 means none. `roots` and
    `costs` are the whole blobs with something wanted in their tree, and about
    how many bytes that tree inflates to. Only wanted objects and the bases
    they need are looked at: `sizes[k]` is what object k inflates to (a delta: itself), `bodies[k]` where
    it begins compressed.
    """

    def __init__(self, pack: Pack, wanted: Container[bytes] | None, seen: set[bytes]) -> None:
        """Plan the reading of every blob in `wanted` (None: all) and not in `seen`, which is added to."""
        self.pack = pack
        self.first = array("I", bytes(4 * pack.count))
        self.after = array("I", bytes(4 * pack.count))
        self.sizes = array("Q", bytes(8 * pack.count))
        self.bodies = array("Q", bytes(8 * pack.count))
        self.emit = bytearray(pack.count)
        self._root = array("q", bytes(8 * pack.count))
        self._number: dict[bytes, int] = {}
        cost: dict[int, int] = {}
        roots = self._root
        for k, name in sorted(self._chosen(wanted, seen)):
            root = roots[k] or self._climb(k)
            if root > 0:
                seen.add(name)
                self.emit[k] = 1
                cost[root - 1] = cost.get(root - 1, 0) + 1
        self.roots = sorted(cost)
        self.costs = [cost[root] * (self.sizes[root] + 512) for root in self.roots]
        del self._root, self._number

    def _chosen(self, wanted: Container[bytes] | None, seen: set[bytes]) -> Iterator[tuple[int, bytes]]:
        """Yield number and id of each object to read (of any type when all are wanted)."""
        numbers = array("I", bytes(4 * self.pack.count))
        for k, place in enumerate(self.pack.places):
            numbers[place] = k
        for place, (name,) in enumerate(self.pack.ids()):
            if name not in seen and (wanted is None or name in wanted):
                yield numbers[place], name

    def _climb(self, k: int) -> int:
        """Hang object k and its bases into their tree; return the root plus one, -1 when it is no blob."""
        roots = self._root
        above = []
        root = 0
        while not root:
            base, whole = self._base(k)
            if whole:
                root = roots[k] = k + 1
            elif base < 0:
                root = roots[k] = -1
            else:
                above.append((k, base))
                roots[k] = -1  # a chain of references that comes back here is damage
                root = roots[base]
                k = base
        for child, base in above:
            roots[child] = root
            if root > 0:
                self.after[child] = self.first[base]
                self.first[base] = child + 1
        return root

    def _base(self, k: int) -> tuple[int, bool]:
        """Return the number of the base of k (-1: none), and whether k is a whole blob and so its own."""
        pack = self.pack
        try:
            kind, self.sizes[k], base, self.bodies[k] = pack.entry(k)
        except (IndexError, OverflowError):
            return -1, False
        if kind == BLOB:
            return k, True
        if kind == OFS_DELTA:
            return pack.number_at(base), False
        if kind == REF_DELTA:
            at = self.bodies[k]
            return self._by_id(pack.buffer[at - pack.id_size : at]), False
        return -1, False

    def _by_id(self, name: bytes) -> int:
        if not self._number:
            self._number = {self.pack.id_at(k): k for k in range(self.pack.count)}
        return self._number.get(name, -1)


def _map(path: str) -> mmap.mmap:
    """Map a file: indexing and slicing work as on bytes, without copying the whole."""
    try:
        with open(path, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise IntegrityFailure(f"{path} cannot be read") from error


def _numbers(code: str, raw: bytes, count: int) -> array[int]:
    """Return `count` big-endian numbers; raises ValueError when there are fewer."""
    numbers = array(code, raw)
    if len(numbers) != count:
        raise ValueError("short table")
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
