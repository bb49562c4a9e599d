"""What changed lately, and up to where that is known: whether something read is still so.

Positions are the numbers of groups of commits. Only so much is remembered; of what was read before
that, nothing can be said.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

KEPT = 50_000


class Change(NamedTuple):
    """A key that the group `seq` changed; `shape` when it came into being or went."""

    seq: int
    key: str
    shape: bool


class Range(NamedTuple):
    """Keys (in UTF-8) from `first` up to but without `beyond`, read at `seq`."""

    first: bytes
    beyond: bytes
    seq: int


class Recent:
    """Changes by key, in two generations."""

    def __init__(self, known: int) -> None:
        self.known = known
        self._floor = known
        self._young_floor = known
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._shapes: list[Change] = []

    def add(self, change: Change) -> None:
        """Remember a change; they come in order, apart from those of one's own groups."""
        if len(self._young) >= KEPT:
            self._old, self._young = self._young, {}
            self._floor, self._young_floor = self._young_floor, self.known
            self._shapes = [shape for shape in self._shapes if shape.seq > self._floor]
        self._young[change.key] = change.seq
        if change.shape:
            self._shapes.append(change)
        self.known = max(self.known, change.seq)

    def seq_of(self, key: str) -> int:
        """The latest change of a key, 0 when none is remembered."""
        return self._young.get(key) or self._old.get(key, 0)

    def touched(self, reads: Mapping[str, tuple[object, int]], ranges: Iterable[Range]) -> bool:
        """Whether anything read at its position has changed since, or may have."""
        floor = self._floor
        for key, (_, seq) in reads.items():
            if seq != self.known and (seq < floor or self.seq_of(key) > seq):
                return True
        return any(self._reshaped(found) for found in ranges)

    def _reshaped(self, found: Range) -> bool:
        if found.seq == self.known:
            return False
        if found.seq < self._floor:
            return True
        for change in reversed(self._shapes):
            if change.seq <= found.seq:
                return False
            if found.first <= change.key.encode() < found.beyond:
                return True
        return False
