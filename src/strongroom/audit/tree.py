"""Merkle tree over the log's lines: hashing, and the files that keep the hashes.

Level 0 holds one hash a leaf; level n holds one hash for each complete subtree of 256**n leaves.
Any node is then rebuilt from at most 256 neighbouring hashes of one level, so start-up, roots and
proofs cost the same for a thousand entries and for a billion.
Source: RFC 6962 §2.1 (hashing); C2SP tlog-tiles (the split into levels of 256).
"""

import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from strongroom.audit.disk import sync_or_die, write_all

HASH_BYTES = 32
FANOUT = 256
EMPTY_ROOT = sha256(b"").digest()

Node = Callable[[int, int], bytes]  # (height, index) -> hash of a complete, aligned subtree


def leaf_hash(line: bytes) -> bytes:
    """Hash of one log line, without its newline."""
    return sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def join(hashes: Sequence[bytes]) -> bytes:
    """Root over `hashes` (at least one), the last of which may stand for a smaller subtree.

    Pairing from the left and carrying an odd one up gives the same tree as RFC 6962's split at
    the largest power of two.
    """
    level = list(hashes)
    while len(level) > 1:
        odd = [level.pop()] if len(level) % 2 else []
        pairs = iter(level)
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
        level += odd
    return level[0]


def split_at(size: int) -> int:
    """Largest power of two smaller than `size` (at least 2): where RFC 6962 divides a tree."""
    return int(1 << ((size - 1).bit_length() - 1))


def range_root(node: Node, start: int, end: int) -> bytes:
    """Root over leaves start..end, where `start` is aligned as RFC 6962's recursion leaves it."""
    size = end - start
    if size == 0:
        return EMPTY_ROOT
    height = size.bit_length() - 1
    if size == 1 << height:
        return node(height, start >> height)
    middle = start + split_at(size)
    return node_hash(range_root(node, start, middle), range_root(node, middle, end))


class Tree:
    """The right edge of the tree, enough to append and to give the root.

    Holds fewer than 256 hashes a level.
    """

    def __init__(self, size: int = 0, edges: Sequence[list[bytes]] = ()) -> None:
        self.size = size
        self._edges: list[list[bytes]] = [list(edge) for edge in edges]

    def append(self, leaves: list[bytes]) -> list[list[bytes]]:
        """Add leaf hashes; returns the new hashes of each level, level 0 first."""
        self.size += len(leaves)
        added: list[list[bytes]] = []
        fresh = leaves
        while fresh:
            added.append(fresh)
            if len(added) > len(self._edges):
                self._edges.append([])
            fresh = _grow(self._edges[len(added) - 1], fresh)
        return added

    def root(self) -> bytes:
        """Root hash at the current size."""
        tail: list[bytes] = []
        for edge in self._edges:
            units = edge + tail
            tail = [join(units)] if units else []
        return tail[0] if tail else EMPTY_ROOT


def _grow(edge: list[bytes], fresh: list[bytes]) -> list[bytes]:
    """Add hashes to an edge; returns the hashes of the groups of 256 that became complete."""
    edge += fresh
    whole = len(edge) - len(edge) % FANOUT
    complete = [join(edge[start : start + FANOUT]) for start in range(0, whole, FANOUT)]
    del edge[:whole]
    return complete


class TreeFiles:
    """The levels on disk, one append-only file each: `tree/0`, `tree/1`, …

    Derived from the log, so written without fsync; `sync` is called when a segment closes.
    """

    def __init__(self, directory: Path, writable: bool = False) -> None:
        self._directory = directory
        self._flags = os.O_CLOEXEC | (os.O_RDWR if writable else os.O_RDONLY)
        self._files: dict[int, int] = {}

    def put(self, level: int, position: int, hashes: Sequence[bytes]) -> None:
        """Write hashes from `position` (counted in hashes). Repeating it after an error is safe."""
        write_all(self._open(level, os.O_CREAT), b"".join(hashes), position * HASH_BYTES)

    def hashes(self, level: int, position: int, count: int) -> list[bytes]:
        """Up to `count` hashes of a level; fewer when the file ends before."""
        try:
            file = self._open(level)
        except FileNotFoundError:
            return []
        block = os.pread(file, count * HASH_BYTES, position * HASH_BYTES)
        whole = len(block) - len(block) % HASH_BYTES
        return [block[at : at + HASH_BYTES] for at in range(0, whole, HASH_BYTES)]

    def count(self, level: int) -> int:
        """How many hashes a level holds."""
        try:
            return os.fstat(self._open(level)).st_size // HASH_BYTES
        except FileNotFoundError:
            return 0

    def covers(self, size: int) -> bool:
        """Whether every level is as long as a tree of `size` leaves needs."""
        counts = level_counts(size)
        return all(self.count(level) >= count for level, count in enumerate(counts))

    def tree(self, size: int) -> Tree:
        """The right edge of the tree at `size`; the files must cover it."""
        counts = level_counts(size)
        return Tree(size, [self.hashes(n, c - c % FANOUT, c % FANOUT) for n, c in enumerate(counts)])

    def node(self, height: int, index: int) -> bytes:
        """Hash of the complete subtree of 2**height leaves that starts at leaf index * 2**height.

        Raises LookupError when the files do not hold it (yet).
        """
        level, rest = divmod(height, 8)
        found = self.hashes(level, index << rest, 1 << rest)
        if len(found) != 1 << rest:
            raise LookupError(f"the tree files lack node {index} at height {height}")
        return join(found)

    def root(self, size: int) -> bytes:
        """Root of the first `size` leaves."""
        return range_root(self.node, 0, size)

    def sync(self) -> None:
        """Put every open level on the disk, or end the process."""
        for file in self._files.values():
            sync_or_die(file)

    def close(self) -> None:
        """Close the level files."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def _open(self, level: int, create: int = 0) -> int:
        if level not in self._files:
            if create:
                self._directory.mkdir(mode=0o700, exist_ok=True)
            self._files[level] = os.open(self._directory / str(level), self._flags | create, 0o600)
        return self._files[level]


def level_counts(size: int) -> list[int]:
    """How many hashes each level of a tree of `size` leaves has, level 0 first."""
    counts = []
    while size:
        counts.append(size)
        size //= FANOUT
    return counts
