"""Read blobs through `git cat-file --batch`: what is damaged, elsewhere, or few."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, cast

from strongroom.scanner.blob import Blob

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from strongroom.scanner.blob import Provenance
    from strongroom.scanner.sources.git import Git

AHEAD = 64  # ids asked for before their answers are read: fits any pipe
STEP = 1 << 20


class Tally:
    """What could not be read, by reason."""

    def __init__(self) -> None:
        self.missing = 0
        self.large = 0

    def warnings(self) -> list[str]:
        """Say it for people; empty when all was read."""
        said = []
        if self.missing:
            said.append(f"{self.missing} git objects are missing or damaged and were not scanned")
        if self.large:
            said.append(f"{self.large} git objects are over the size limit and were not scanned")
        return said


def read_batch(
    git: Git, ids: Iterable[bytes], name: Callable[[bytes], Provenance], max_size: int, tally: Tally
) -> Iterator[Blob]:
    """Yield the blobs among `ids`; count in `tally` the ones that git does not give."""
    left = iter(ids)
    process = None
    try:
        while asked := list(islice(left, AHEAD)):
            while asked:
                process = process or git.start("cat-file", "--batch", stdin=subprocess.PIPE, quiet=True)
                asked = yield from _answers(process, asked, name, max_size, tally)
                if asked:  # git ended over a damaged object
                    _end(process)
                    process = None
    finally:
        if process is not None:
            _end(process)


def _answers(
    process: subprocess.Popen[bytes],
    asked: list[bytes],
    name: Callable[[bytes], Provenance],
    max_size: int,
    tally: Tally,
) -> Generator[Blob, None, list[bytes]]:
    """Ask for a group of ids and yield the blobs; return what follows the one at which git ended."""
    out = cast("BinaryIO", process.stdout)
    given = cast("BinaryIO", process.stdin)
    with suppress(BrokenPipeError):
        given.write(b"".join(b"%s\n" % blob.hex().encode() for blob in asked))
        given.flush()
    for place, blob in enumerate(asked, 1):
        head = out.readline().split()
        if not head:
            tally.missing += 1
            return asked[place:]
        if len(head) != 3:
            tally.missing += 1
            continue
        size = int(head[2])
        if head[1] != b"blob" or size > max_size:
            tally.large += head[1] == b"blob"
            _skip(out, size + 1)
            continue
        data = out.read(size + 1)
        if len(data) != size + 1:
            tally.missing += 1
            return asked[place:]
        yield Blob(blob.hex(), data[:-1], name(blob))
    return []


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with suppress(BrokenPipeError):
        process.communicate()


def _skip(out: BinaryIO, size: int) -> None:
    while size > 0 and (chunk := out.read(min(size, STEP))):
        size -= len(chunk)
