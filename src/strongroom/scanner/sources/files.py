"""Files and folders as a source: the work tree, or any folder outside git.

In a git work tree: what git tracks, and what is untracked and not ignored.
Elsewhere every regular file. Links are never followed (but for a path that
was named), and what is no regular file is not opened.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from fnmatch import fnmatch
from functools import partial
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING

from strongroom.errors import InvalidRequest, NotFound, StrongroomError
from strongroom.scanner import executables
from strongroom.scanner.archives.kinds import HEAD, sniff
from strongroom.scanner.blob import Blob, Provenance, line_ends
from strongroom.scanner.limits import BACK, OVERLAP, PIECE, SMALL_JOB

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

File = tuple[str, int]
Span = tuple[str, int, int]  # a file, and the part of it that one worker reads

_GIT = ".git"
_BARE = ("HEAD", "objects", "refs")
_KEPT_IN_GIT = ("config",)  # remotes with credentials stand there


class FilesSource:
    """The files at `paths`, folders with all that is below.

    `exclude` holds shell patterns over the path or any part of it. `ignored`
    reads what git ignores too. Larger files than `max_size` are not read.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        exclude: Sequence[str] = (),
        ignored: bool = False,
        max_size: int = 2 << 30,
    ) -> None:
        self.paths = paths
        self.exclude = exclude
        self.ignored = ignored
        self.max_size = max_size
        self.warnings: list[str] = []
        self.total = 0  # bytes to read, once they are known

    def shards(self, count: int) -> list[Callable[[], Iterator[Blob]]]:
        """Split the files over the workers by size; a small job stays one part."""
        files = self._files()
        self.total = sum(size for _, size in files)
        if self.total < SMALL_JOB:
            count = 1
        loads: list[tuple[int, list[Span]]] = [(0, []) for _ in range(max(1, count))]
        for span in sorted(_spans(files, count), key=lambda s: (s[1] - s[2], s[0], s[1])):
            place = min(range(len(loads)), key=lambda n: loads[n][0])
            loads[place][1].append(span)
            loads[place] = (loads[place][0] + span[2] - span[1] + 4096, loads[place][1])
        return [partial(self._read, sorted(spans)) for _, spans in loads if spans]

    def trace(self, ids: Collection[str]) -> Mapping[str, list[Provenance]]:
        """Nothing to add: each blob comes with its path."""
        return {}

    def _files(self) -> list[File]:
        found: dict[str, int] = {}
        for path in self.paths:
            try:
                status = os.stat(path)
            except OSError as error:
                raise NotFound(f"{path}: {error.strerror}") from error
            if stat.S_ISDIR(status.st_mode):
                found.update(self._below(path))
            elif not stat.S_ISREG(status.st_mode):
                raise InvalidRequest(
                    f"{path} is a pipe or a device: `strongroom scan -` reads standard input"
                )
            else:
                found[os.path.realpath(path) if os.path.islink(path) else path] = status.st_size
        return list(found.items())

    def _below(self, folder: str) -> Iterator[File]:
        if all(os.path.exists(os.path.join(folder, name)) for name in _BARE):
            self.warnings.append(
                f"{folder} is a bare repository: `strongroom scan --history` reads what it holds"
            )
        tracked = None if self.ignored else self._tracked(folder)
        return self._walk(folder) if tracked is None else self._listed(folder, tracked)

    def _tracked(self, folder: str) -> list[str] | None:
        """Paths below `folder` that git tracks or would track; None where git knows of none."""
        if not _in_work_tree(folder):
            return None
        from strongroom.scanner.sources.git import Git  # noqa: PLC0415 (only in a work tree)

        try:
            listing = Git(folder).run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        except StrongroomError as error:
            self.warnings.append(f"{folder}: read as a plain folder: {error}")
            return None
        names = [os.fsdecode(name) for name in listing.split(b"\0") if name]
        return names or None  # a folder that git ignores, and somebody named all the same

    def _listed(self, folder: str, names: list[str]) -> Iterator[File]:
        base = "" if folder == "." else folder.rstrip("/") + "/"
        for name in dict.fromkeys(names):
            path = base + name
            if self._excluded(path):
                continue
            try:
                status = os.lstat(path)
            except OSError:
                continue  # deleted in the work tree, still in the index
            if stat.S_ISDIR(status.st_mode):
                yield from self._below(path)  # a submodule, or a repository of its own
            elif self._wanted(path, status):
                yield path, status.st_size

    def _walk(self, folder: str) -> Iterator[File]:
        waiting = [folder]
        while waiting:
            place = waiting.pop()
            try:
                with os.scandir(place) as entries:
                    members = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                self.warnings.append(f"{place}: {error.strerror}")
                continue
            for entry in members:
                path = entry.path.removeprefix("./")
                if self._excluded(path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if entry.name == _GIT:
                        yield from self._git_files(path)
                    else:
                        waiting.append(path)
                elif self._wanted(path, status := entry.stat(follow_symlinks=False)):
                    yield path, status.st_size

    def _git_files(self, folder: str) -> Iterator[File]:
        for name in _KEPT_IN_GIT:
            path = f"{folder}/{name}"
            with suppress(OSError):
                if self._wanted(path, status := os.lstat(path)):
                    yield path, status.st_size

    def _wanted(self, path: str, status: os.stat_result) -> bool:
        if not stat.S_ISREG(status.st_mode):
            return False
        if status.st_size > self.max_size:
            self.warnings.append(f"{path}: {status.st_size:,} bytes are over the limit; not read")
            return False
        return True

    def _excluded(self, path: str) -> bool:
        if not self.exclude:
            return False
        parts = path.split("/")
        return any(
            fnmatch(path, p) or any(fnmatch(part, p.rstrip("/")) for part in parts) for p in self.exclude
        )

    def _read(self, spans: Sequence[Span]) -> Iterator[Blob]:
        """Yield the files of one part; what cannot be read is a warning."""
        for path, start, end in spans:
            try:
                handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
                try:
                    yield from _blobs(handle, path, start, end)
                finally:
                    os.close(handle)
            except OSError as error:
                self.warnings.append(f"{path}: {error.strerror}")


def _in_work_tree(folder: str) -> bool:
    place = os.path.realpath(folder)
    while True:
        if os.path.lexists(f"{place}/{_GIT}"):
            return True
        above = os.path.dirname(place)
        if above == place:
            return False
        place = above


def _spans(files: Sequence[File], count: int) -> Iterator[Span]:
    """Cut huge files so that several workers can share one."""
    for path, size in files:
        step = max(PIECE, -(-size // count // PIECE) * PIECE)
        for start in range(0, max(size, 1), step):
            yield path, start, min(start + step, size)


def _blobs(handle: int, path: str, start: int, end: int) -> Iterator[Blob]:
    """Yield a file whole, or the part from `start` to `end` in pieces that overlap."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        return
    provenance = Provenance(path)
    if status.st_size <= PIECE + OVERLAP:
        data = os.read(handle, status.st_size + 1)
        while len(data) < status.st_size and (more := os.read(handle, status.st_size - len(data))):
            data += more
        yield Blob("", data, provenance)
        return
    head = os.pread(handle, HEAD, 0)
    if sniff(head, path):
        if not start:  # an archive is opened whole, by the worker that has its beginning
            yield Blob("", mmap(handle, 0, access=ACCESS_READ), provenance)  # type: ignore[arg-type]  # reads alike
        return
    lines = _Lines(handle)
    for at, own_end in _pieces(handle, status.st_size, start, end):
        first = max(0, at - BACK)
        data = os.pread(handle, own_end + OVERLAP - first, first)
        yield Blob(
            "",
            data,
            provenance,
            offset=first,
            line=partial(lines.before, first),
            own=at - first,
            own_end=own_end - first,
            head=head,
        )


def _pieces(handle: int, size: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut the part of a huge file from `start` to `end`, without what has no text in a program."""
    for low, high in executables.kept(lambda at, length: os.pread(handle, length, at), size):
        for at in range(max(low, start), min(high, end), PIECE):
            yield at, min(at + PIECE, high, end)


class _Lines:
    """Counts the lines of an open file, only as far as somebody asks."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._offset = 0
        self._lines = 0

    def before(self, offset: int) -> int:
        """How many lines end before `offset`; asked in rising order."""
        while self._offset < offset:
            data = os.pread(self._handle, min(1 << 20, offset - self._offset), self._offset)
            if not data:
                break
            self._lines += line_ends(data, 0, len(data))
            self._offset += len(data)
        return self._lines
