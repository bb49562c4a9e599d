"""Opening a log after a stop of any kind.

Only the last segment is read. Its lines must follow one another and agree with the stored hashes; a
torn end that no checkpoint covers is cut (it was never acknowledged: an acknowledged line was synced
whole); everything else that does not fit refuses the start, since going on would bury the evidence.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec

from strongroom.audit import journal
from strongroom.audit.checkpoint import Checkpoint, open_checkpoint
from strongroom.audit.segments import Segment, lines_of, segments, sequence_of
from strongroom.audit.tree import HASH_BYTES, TreeFiles, leaf_hash
from strongroom.errors import IntegrityFailure

_HOLE = bytes(HASH_BYTES)
_BATCH = 65_536  # leaves hashed between two writes of the tree files


@dataclass(frozen=True, slots=True)
class State:
    """What a start found: `length` bytes of `last` are whole lines, `torn_bytes` more were not."""

    size: int
    last: Segment | None
    length: int
    torn_bytes: int
    signed_size: int


def recover(directory: Path, files: TreeFiles) -> State:
    """Check the end of the log and bring the tree files up to it. Raises IntegrityFailure."""
    signed = _signed(directory)
    found = segments(directory)
    if not found:
        if files.count(0) or signed is not None:
            raise IntegrityFailure("the audit log's segments are gone, though its tree is there")
        return State(0, None, 0, 0, 0)
    last = found[-1]
    lines, length = _whole_lines(last)
    size = last.first + len(lines)
    signed_size = signed.size if signed is not None else 0
    if size < max(signed_size, files.count(0)):
        raise IntegrityFailure(f"audit entries from {size} on are missing")
    _rebuild_before(found, files)
    _index(files, last.first, lines)
    if signed is not None and files.root(signed.size) != signed.root:
        raise IntegrityFailure(f"the audit log differs from its signed checkpoint of {signed.size} entries")
    return State(size, last, length, last.path.stat().st_size - length, signed_size)


def _signed(directory: Path) -> Checkpoint | None:
    """The last checkpoint, its signature checked."""
    last = journal.latest(directory)
    return open_checkpoint(last.note, journal.keys(directory)) if last is not None else None


def _whole_lines(segment: Segment) -> tuple[list[bytes], int]:
    """The segment's lines up to a torn end, and their length in bytes."""
    *lines, _ = segment.path.read_bytes().split(b"\n")
    good = next((i for i, line in enumerate(lines) if not _fits(line, segment.first + i)), len(lines))
    if any(sequence_of(line) is not None for line in lines[good + 1 :]):
        raise IntegrityFailure(f"audit entry {segment.first + good} is damaged, and others follow it")
    return lines[:good], sum(map(len, lines[:good])) + good


def _fits(line: bytes, sequence: int) -> bool:
    """Whether a line is whole and states its sequence."""
    if sequence_of(line) != sequence:
        return False
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _rebuild_before(found: list[Segment], files: TreeFiles) -> None:
    """Hash earlier segments again, only if the tree does not reach to the last one."""
    if files.covers(found[-1].first):
        return
    if found[0].first != 0:
        raise IntegrityFailure("the tree is incomplete, and the log's first segments are gone")
    for segment, following in pairwise(found):
        lines = [line.removesuffix(b"\n") for line in lines_of(segment)]
        if len(lines) != following.first - segment.first:
            raise IntegrityFailure(f"segment {segment.path.name} does not reach entry {following.first}")
        _index(files, segment.first, lines)


def _index(files: TreeFiles, first: int, lines: list[bytes]) -> None:
    """Compare lines with stored hashes, and store them (again), from leaf `first` on."""
    tree = files.tree(first)
    for start in range(0, len(lines), _BATCH):
        leaves = [leaf_hash(line) for line in lines[start : start + _BATCH]]
        stored = files.hashes(0, first + start, len(leaves))
        for offset, (leaf, kept) in enumerate(zip(leaves, stored, strict=False)):
            if kept not in (leaf, _HOLE):
                raise IntegrityFailure(f"audit entry {first + start + offset} does not match its stored hash")
        for level, hashes in enumerate(tree.append(leaves)):
            files.put(level, (first + start) >> (8 * level), hashes)
