"""The log's files: segments of JSON lines, each named by the sequence of its first entry.

A line is `{"seq":N,…}`; its bytes without the newline are leaf N of the tree.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from strongroom.audit.disk import sync_directory, sync_or_die, write_all
from strongroom.errors import IntegrityFailure

SEGMENT_BYTES = 64 * 1024 * 1024
_NAME = re.compile(r"([0-9]{20})\.jsonl")
_SEQUENCE = re.compile(rb'\{"seq":(0|[1-9][0-9]{0,18}),"')


@dataclass(frozen=True, slots=True)
class Segment:
    """One file: `first` is the sequence of its first line."""

    first: int
    path: Path


def segments(directory: Path) -> list[Segment]:
    """The segments of a log, oldest first."""
    try:
        paths = sorted(directory.iterdir())
    except FileNotFoundError:
        return []
    return [Segment(int(match[1]), path) for path in paths if (match := _NAME.fullmatch(path.name))]


def sequence_of(line: bytes) -> int | None:
    """The sequence a line states, or None when it does not start as a log line does."""
    match = _SEQUENCE.match(line)
    return int(match[1]) if match else None


class SegmentWriter:
    """Appends whole batches to the last segment; opens a new one when it is full."""

    def __init__(self, directory: Path, limit_bytes: int) -> None:
        self._directory = directory
        self._limit_bytes = limit_bytes
        self._file = -1
        self._length = 0
        self._torn = False

    def resume(self, segment: Segment, length: int) -> None:
        """Go on in an existing segment, cutting it at `length` bytes."""
        self._file = os.open(segment.path, os.O_WRONLY | os.O_CLOEXEC)
        if os.fstat(self._file).st_size != length:
            os.ftruncate(self._file, length)
            sync_or_die(self._file)
        self._length = length

    @property
    def full(self) -> bool:
        """Whether the next batch opens a new segment."""
        return self._file < 0 or self._length >= self._limit_bytes

    def rotate(self, first: int) -> None:
        """Open the segment whose first entry is `first`. OSError leaves the old one in place."""
        path = self._directory / f"{first:020}.jsonl"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        sync_directory(self._directory)
        self.close()
        self._file, self._length = file, 0

    def append(self, lines: bytes) -> None:
        """Write and sync whole lines. On OSError none of them is in the file."""
        if self._torn:
            self._cut()
        try:
            end = write_all(self._file, lines, self._length)
        except OSError:
            self._cut()
            raise
        sync_or_die(self._file)
        self._length = end

    def close(self) -> None:
        """Close the current segment."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _cut(self) -> None:
        """Remove what a failed write left; if even that fails, the next append tries again first."""
        self._torn = True
        os.ftruncate(self._file, self._length)
        self._torn = False


class Reader:
    """Reads complete lines in order, across segments, from sequence `start` on."""

    def __init__(self, directory: Path, start: int) -> None:
        self.next = start
        self._directory = directory
        self._segment: Segment | None = None
        self._file = -1
        self._offset = 0

    def read(self, end: int | None = None, chunk_bytes: int = 1 << 20) -> list[bytes]:
        """The next lines before sequence `end`, without newlines; empty when there are none yet.

        Raises IntegrityFailure when the log does not go on with the sequence expected.
        """
        if end is not None and self.next >= end:
            return []
        if self._segment is None and not self._enter():
            return []
        block = self._block(chunk_bytes)
        if not block:
            return self.read(end, chunk_bytes) if self._advance() else []
        lines = block.split(b"\n")[:-1]
        if end is not None:
            lines = lines[: end - self.next]
        following = self.next + len(lines)
        if lines and (sequence_of(lines[0]), sequence_of(lines[-1])) != (self.next, following - 1):
            raise IntegrityFailure(f"the audit log does not go on with entry {self.next}")
        self._offset += sum(map(len, lines)) + len(lines)
        self.next = following
        return lines

    def close(self) -> None:
        """Close the current segment."""
        if self._file >= 0:
            os.close(self._file)
        self._file, self._segment = -1, None

    def _block(self, chunk_bytes: int) -> bytes:
        """Bytes from the current offset up to a line's end; a longer line widens the chunk."""
        block = os.pread(self._file, chunk_bytes, self._offset)
        while len(block) == chunk_bytes and b"\n" not in block:
            chunk_bytes *= 4
            block = os.pread(self._file, chunk_bytes, self._offset)
        return block[: block.rfind(b"\n") + 1]

    def _enter(self) -> bool:
        """Open the segment that holds `next` and go to its line."""
        found = [segment for segment in segments(self._directory) if segment.first <= self.next]
        if not found:
            return False
        self._segment = found[-1]
        self._file = os.open(self._segment.path, os.O_RDONLY | os.O_CLOEXEC)
        self._offset = locate(self._file, self.next)
        return True

    def _advance(self) -> bool:
        """Go on to the segment that starts with `next`, if there is one."""
        found = [segment for segment in segments(self._directory) if segment.first == self.next]
        if not found or found[0] == self._segment:
            return False
        self.close()
        return self._enter()


def locate(file: int, sequence: int) -> int:
    """Byte offset of the line with that sequence, or of the first greater one, or of the end.

    Lines are in order, so this is a binary search over offsets.
    """
    low, high = 0, os.fstat(file).st_size
    while low < high:
        middle = (low + high) // 2
        start, line = _line_at(file, middle, low)
        found = sequence_of(line)
        if found is None or found >= sequence:
            high = middle
        else:
            low = start + len(line) + 1
    return low


def _line_at(file: int, offset: int, floor: int) -> tuple[int, bytes]:
    """Start and bytes of the first line that starts at or after `offset` (`floor` is a line start)."""
    start = offset
    if offset > floor:
        start = offset - 1 + len(_line(file, offset - 1)) + 1
    return start, _line(file, start)


def _line(file: int, offset: int) -> bytes:
    """Bytes from `offset` to the next newline or the end of the file."""
    size = 4096
    while True:
        block = os.pread(file, size, offset)
        end = block.find(b"\n")
        if end >= 0 or len(block) < size:
            return block[:end] if end >= 0 else block
        size *= 4


def lines_of(segment: Segment) -> Iterator[bytes]:
    """Every line of a segment with its newline; a torn last line has none."""
    with segment.path.open("rb") as file:
        yield from file
