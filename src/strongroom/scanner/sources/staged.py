"""What is staged for the next commit, as the index has it: the work tree is not looked at.

Git is asked which files differ from HEAD. What was just staged is mostly loose objects, read in-process.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from strongroom.scanner.blob import Provenance
from strongroom.scanner.sources.git import Git
from strongroom.scanner.sources.loose import read_loose

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from strongroom.scanner.blob import Blob

DIFF = (
    "diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv",
    "--no-relative", "--no-color", "-O/dev/null", "--ignore-submodules", "--diff-filter=ACMT", "--",
)  # fmt: skip
MAX_SIZE = 256 << 20


class StagedSource:
    """Files added or changed in the index of the repository at `path`.

    It runs inside a hook, so the variables that git sets there hold.
    """

    def __init__(self, path: str, *, max_size: int = MAX_SIZE) -> None:
        self.git = Git(path, hook=True)
        self.max_size = max_size
        self.warnings: list[str] = []

    def shards(self, count: int) -> list[Callable[[], Iterator[Blob]]]:
        """One part: starting workers costs more than staged files do."""
        return [self._read]

    def trace(self, ids: Collection[str]) -> Mapping[str, list[Provenance]]:
        """Nothing to add: each blob comes with its path."""
        return {}

    def _read(self) -> Iterator[Blob]:
        paths: dict[bytes, Provenance] = {}
        tokens = iter(self.git.output(*DIFF).split(b"\0"))
        for meta in tokens:
            if meta:
                name = bytes.fromhex(meta.split(b" ")[3].decode())
                paths.setdefault(name, Provenance(os.fsdecode(next(tokens))))
        store = os.environ.get("GIT_OBJECT_DIRECTORY") or os.path.join(self.git.path, ".git", "objects")
        objects = [(os.path.join(store, id.hex()[:2], id.hex()[2:]), id) for id in paths]
        unread: list[bytes] = []
        yield from read_loose(objects, paths.__getitem__, self.max_size, unread)
        if unread:  # in a pack, or kept elsewhere
            from strongroom.scanner.sources.catfile import Tally, read_batch  # noqa: PLC0415

            tally = Tally()
            yield from read_batch(self.git, unread, paths.__getitem__, self.max_size, tally)
            self.warnings += tally.warnings()
