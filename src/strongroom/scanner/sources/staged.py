"""What is staged for the next commit, as the index has it: the work tree is not looked at.

Two git commands: which files differ from HEAD, and what the index holds for them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from strongroom.scanner.blob import Provenance
from strongroom.scanner.sources.catfile import Tally, read_batch
from strongroom.scanner.sources.git import Git

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
        tokens = iter(self.git.run(*DIFF).split(b"\0"))
        for meta in tokens:
            if meta:
                name = bytes.fromhex(meta.split(b" ")[3].decode())
                paths.setdefault(name, Provenance(os.fsdecode(next(tokens))))
        tally = Tally()
        yield from read_batch(self.git, list(paths), paths.__getitem__, self.max_size, tally)
        self.warnings += tally.warnings()
