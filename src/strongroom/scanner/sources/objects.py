"""Find the objects of a repository and deal them out to workers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from strongroom.errors import IntegrityFailure
from strongroom.scanner.limits import SMALL_JOB
from strongroom.scanner.sources.loose import loose_objects
from strongroom.scanner.sources.packs import Forest, Pack

if TYPE_CHECKING:
    from collections.abc import Collection

LOOSE_BYTES = 16 << 10  # what a loose object is taken to inflate to


class Part:
    """What one worker reads: trees of each pack, loose objects, and ids to ask git for."""

    def __init__(self) -> None:
        self.trees: list[tuple[Forest, list[int]]] = []
        self.loose: list[tuple[str, bytes]] = []
        self.asked: list[bytes] = []

    def take(self, other: Part) -> None:
        """Take over what another part would read."""
        self.trees += other.trees
        self.loose += other.loose
        self.asked += other.asked


class Deal:
    """Deals the blobs in `wanted` (None: all there are) to `count` parts, each blob once."""

    def __init__(self, id_size: int, wanted: Collection[bytes] | None, count: int) -> None:
        self.id_size = id_size
        self.wanted = wanted
        self.parts = [Part() for _ in range(count)]
        self.warnings: list[str] = []
        self._loads = [0] * count
        self._seen: set[bytes] = set()

    def store(self, path: str) -> None:
        """Deal what the object directory at `path` holds."""
        for index in pack_indexes(path):
            self._pack(index)
        for place, item in enumerate(loose_objects(path, self.id_size, self.wanted, self._seen)):
            self.parts[place % len(self.parts)].loose.append(item)

    def rest(self) -> None:
        """Deal the wanted blobs that no store held, to be asked from git."""
        if self.wanted is not None and len(self._seen) < len(self.wanted):
            missing = (blob for blob in self.wanted if blob not in self._seen)
            for place, blob in enumerate(missing):
                self.parts[place % len(self.parts)].asked.append(blob)

    def settled(self) -> list[Part]:
        """Return the parts, as one when there is too little for workers to pay."""
        pieces = sum(len(part.loose) + len(part.asked) for part in self.parts)
        if sum(self._loads) + pieces * LOOSE_BYTES < SMALL_JOB:
            for part in self.parts[1:]:
                self.parts[0].take(part)
            del self.parts[1:]
        return self.parts

    def _pack(self, index: str) -> None:
        """Deal the delta trees of a pack, the largest first to the part with least to do."""
        try:
            forest = Forest(Pack(index, self.id_size), self.wanted, self._seen)
        except IntegrityFailure as error:
            self.warnings.append(f"{error}: its objects are asked from git")
            return
        chosen: list[list[int]] = [[] for _ in self.parts]
        for cost, root in sorted(zip(forest.costs, forest.roots, strict=True), reverse=True):
            least = self._loads.index(min(self._loads))
            self._loads[least] += cost
            chosen[least].append(root)
        for part, roots in zip(self.parts, chosen, strict=True):
            if roots:
                part.trees.append((forest, sorted(roots)))


def deal_ids(wanted: Collection[bytes], count: int) -> list[Part]:
    """Deal ids to be asked from git: for few blobs that beats planning whole packs."""
    parts = [Part() for _ in range(count)]
    for place, blob in enumerate(wanted):
        parts[place % count].asked.append(blob)
    return parts


def pack_indexes(store: str) -> list[str]:
    """Return the pack indexes in an object directory whose pack is there too."""
    folder = os.path.join(store, "pack")
    try:
        names = set(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, n) for n in sorted(names) if n.endswith(".idx") and n[:-3] + "pack" in names]
