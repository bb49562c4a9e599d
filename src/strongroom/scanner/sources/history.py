"""A git history as a source: every unique blob of every ref, read in-process.

One `git log --raw` pass first tells which blobs the refs introduced, and under
which names (file formats need them while scanning). Then each worker reads
whole delta trees. Author, date and message are asked for hits only.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from strongroom.errors import NotFound
from strongroom.scanner.blob import Provenance
from strongroom.scanner.sources.catfile import Tally, read_batch
from strongroom.scanner.sources.git import Git, Layout
from strongroom.scanner.sources.gitlog import Introductions, introductions
from strongroom.scanner.sources.lineage import Lineage
from strongroom.scanner.sources.loose import read_loose
from strongroom.scanner.sources.objects import Deal, Part, deal_ids
from strongroom.scanner.sources.packread import Reader
from strongroom.scanner.sources.revisions import resolve_ranges, resolve_since

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from strongroom.scanner.blob import Blob

MAX_SIZE = 256 << 20
FEW = 2000  # blobs below which asking git beats planning whole packs
NOWHERE = Provenance("(unreachable object)")


class HistorySource:
    """Every unique blob of a history.

    `branch` limits it to one branch; `since` to what came after a revision or
    a date; `ranges` to what these `A..B` (or `^A`, `B`) revisions introduced.
    `unreachable` adds stashes, reflogs and objects that nothing names.
    """

    def __init__(
        self,
        path: str,
        *,
        branch: str = "",
        since: str = "",
        ranges: Collection[str] = (),
        unreachable: bool = False,
        hook: bool = False,
        max_size: int = MAX_SIZE,
    ) -> None:
        self.git = Git(path, hook=hook)
        self.branch, self.since, self.ranges = branch, since, list(ranges)
        self.unreachable = unreachable
        self.max_size = max_size
        self.warnings: list[str] = []
        self.introduced = Introductions()

    def shards(self, count: int) -> list[Callable[[], Iterator[Blob]]]:
        """Split the blobs over `count` workers by whole delta trees, balanced by size."""
        layout = Layout(self.git)
        self.introduced, complaint = introductions(self.git, *self._revisions())
        if complaint:
            self.warnings.append(complaint)
        self._add_tagged()
        if layout.shallow:
            self.warnings.append("this is a shallow clone: older history is not here and was not scanned")
        bounded = bool(self.branch or self.since or self.ranges)
        everything = self.unreachable or (bool(complaint) and not bounded)
        wanted = None if everything else self.introduced.where
        return [partial(self._read, part) for part in self._parts(layout, wanted, max(1, count))]

    def trace(self, ids: Collection[str]) -> Mapping[str, list[Provenance]]:
        """Every path of each blob, with the oldest commit that introduced it."""
        return self.introduced.trace(self.git, ids)

    def _revisions(self) -> tuple[list[str], bytes | None]:
        """Return the arguments of `git log` that choose commits, and what it reads from standard input."""
        if self.ranges:
            return resolve_ranges(self.git, self.ranges), None
        if self.branch:
            chosen = [self.git.resolve(self.branch)]
        elif self.unreachable:
            form = "--batch-check=%(objecttype) %(objectname)"
            listing, _ = self.git.attempt("cat-file", "--batch-all-objects", "--unordered", form)
            commits = [line[7:] for line in listing.splitlines() if line.startswith(b"commit ")]
            return ["--ignore-missing", "--stdin"], b"".join(b"%s\n" % commit for commit in commits)
        else:
            chosen = ["--exclude=refs/stash", "--all"]
            if self._head():
                chosen.append("HEAD")
        return chosen + resolve_since(self.git, self.since), None

    def _head(self) -> bool:
        try:
            self.git.resolve("HEAD")
        except NotFound:
            return False
        return True

    def _add_tagged(self) -> None:
        """Add the blobs of refs that name a blob or a tree, which no commit introduces."""
        if self.branch or self.ranges or self.since:
            return
        form = "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname)"
        listing, whole = self.git.attempt("for-each-ref", form)
        if not whole:
            self.warnings.append("some refs name objects that are missing or damaged")
        for line in os.fsdecode(listing).splitlines():
            kind, name, peeled_kind, peeled, ref = (line.split(" ", 4) + [""] * 5)[:5]
            if peeled_kind in ("blob", "tree"):
                kind, name = peeled_kind, peeled
            if kind == "blob":
                self.introduced.add_unnamed(bytes.fromhex(name), os.fsencode(ref))
            elif kind == "tree":
                self._add_tree(name)

    def _add_tree(self, tree: str) -> None:
        for entry in self.git.attempt("ls-tree", "-r", "-z", "--full-tree", tree)[0].split(b"\0"):
            meta, _, path = entry.partition(b"\t")
            fields = meta.split(b" ")
            if len(fields) == 3 and fields[1] == b"blob":
                self.introduced.add_unnamed(bytes.fromhex(fields[2].decode()), path)

    def _parts(self, layout: Layout, wanted: Mapping[bytes, int] | None, count: int) -> list[Part]:
        if wanted is not None and len(wanted) < FEW and (self.ranges or self.since):
            return deal_ids(wanted, count)
        deal = Deal(layout.id_size, wanted, count)
        for store in layout.stores:
            deal.store(store)
        deal.rest()
        self.warnings += deal.warnings
        return deal.settled()

    def _read(self, part: Part) -> Iterator[Blob]:
        """Yield the blobs of one part: in a worker, so `warnings` are the worker's."""
        unread: list[bytes] = []
        for forest, roots in part.trees:
            reader = Reader(forest, self.max_size)
            yield from reader.blobs(roots, self._name)
            unread += reader.unread
        lineage = Lineage()
        loose = sorted(part.loose, key=lambda item: self.introduced.order(item[1]))
        yield from lineage.of(read_loose(loose, self._name, self.max_size, unread))
        tally = Tally()
        asked = [*unread, *part.asked]
        yield from lineage.of(read_batch(self.git, asked, self._name, self.max_size, tally))
        self.warnings += tally.warnings()

    def _name(self, blob: bytes) -> Provenance:
        return self.introduced.provenance(blob) or NOWHERE
