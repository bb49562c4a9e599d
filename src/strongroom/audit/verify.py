"""Checking a whole log offline: every line, every checkpoint, every step between them.

Needs the log's directory and, to trust the result, a public key kept elsewhere.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec

from strongroom.audit import journal
from strongroom.audit.checkpoint import Checkpoint, VerifyKey, open_checkpoint
from strongroom.audit.segments import lines_of, segments, sequence_of
from strongroom.audit.tree import Tree, TreeFiles, leaf_hash
from strongroom.errors import IntegrityFailure

_BATCH = 4096
_MAX_PROBLEMS = 1000
_MAX_BLIND_GAP = 1_000_000  # without stored hashes, how far a stated sequence may jump


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the log; `sequence` is the first entry concerned."""

    sequence: int
    message: str


@dataclass(slots=True)
class Report:
    """The outcome. `signed` is the newest size a good checkpoint covers: what follows is unsigned."""

    entries: int = 0
    segments: int = 0
    checkpoints: int = 0
    signed: int = 0
    root: bytes = b""
    origin: str = ""
    torn_bytes: int = 0
    problems: list[Problem] = field(default_factory=list)

    def note(self, sequence: int, message: str) -> None:
        """Add a problem; a thousand are enough to show."""
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(sequence, message))


def verify_log(directory: Path, keys: list[VerifyKey] | None = None, kept: Sequence[str] = ()) -> Report:
    """Verify a log's directory against public keys, by default those it publishes itself.

    `kept` are signed checkpoints saved elsewhere, which the log must still lead to. Every
    checkpoint's root is recomputed from the entries, so one walk also shows that each checkpoint
    extends the one before it. Reading a live log is fine: only whole lines count.
    """
    report = Report()
    known = keys if keys is not None else journal.keys(directory)
    signed = _checkpoints(directory, known, report)
    signed += _valid(kept, known, report, "kept checkpoint")
    files = TreeFiles(directory / "tree")
    try:
        _Walk(report, files, signed).run(directory)
    finally:
        files.close()
    return report


def _checkpoints(directory: Path, keys: list[VerifyKey], report: Report) -> list[Checkpoint]:
    """The checkpoints with good signatures; the others become problems."""
    try:
        notes = journal.notes(directory)
    except IntegrityFailure as error:
        report.note(0, str(error))
        return []
    found = _valid([kept.note for kept in notes], keys, report, "checkpoint")
    for before, after in pairwise(found):
        if after.size < before.size:
            report.note(after.size, f"a checkpoint of {after.size} entries follows one of {before.size}")
    report.checkpoints = len(found)
    return found


def _valid(notes: Sequence[str], keys: list[VerifyKey], report: Report, what: str) -> list[Checkpoint]:
    found: list[Checkpoint] = []
    for number, note in enumerate(notes, 1):
        try:
            found.append(open_checkpoint(note, keys))
        except IntegrityFailure as error:
            report.note(0, f"{what} {number} of {len(notes)} is not valid: {error}")
    return found


class _Walk:
    """One pass over the lines, stopping at each checkpoint's size to compare roots."""

    def __init__(self, report: Report, files: TreeFiles, signed: list[Checkpoint]) -> None:
        self._report = report
        self._files = files
        self._stored_count = files.count(0)  # before any line is read: a live log hashes after it writes
        self._block: tuple[int, list[bytes]] = (-1, [])
        self._tree = Tree()
        self._leaves: list[bytes] = []
        self._next = 0
        self._trusted = 0  # size of the last checkpoint that agreed
        self._due = [(checkpoint.size, number, checkpoint) for number, checkpoint in enumerate(signed)]
        heapq.heapify(self._due)

    def run(self, directory: Path) -> None:
        """Walk all segments and finish the report."""
        self._check_roots()
        for segment in segments(directory):
            self._report.segments += 1
            if segment.first != self._next:
                self._report.note(
                    segment.first, f"segment {segment.path.name} is not named for its first entry"
                )
            for line in self._whole(lines_of(segment)):
                self._line(line)
        self._fold()
        self._check_roots()
        self._finish()

    def _whole(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """The lines that end in a newline. A torn last line is only counted."""
        for line in lines:
            if line.endswith(b"\n"):
                yield line[:-1]
            else:
                self._report.torn_bytes += len(line)

    def _line(self, line: bytes) -> None:
        sequence, expected = sequence_of(line), self._next
        if sequence is None:
            self._report.note(expected, f"the line after entry {expected - 1} is not a log entry")
        elif sequence < expected:
            self._report.note(
                sequence, f"entry {sequence} appears again or out of order after {expected - 1}"
            )
        elif sequence == expected:
            self._take(line)
        elif self._leaves_gap(line, sequence):
            self._fill(sequence)
            self._take(line)
        else:
            self._report.note(expected, f"entry {expected} is changed: it says {sequence}")
            self._add(self._stored_leaf(expected) or leaf_hash(line))

    def _leaves_gap(self, line: bytes, sequence: int) -> bool:
        """Whether a later entry than expected is the real one, so that those before it are missing."""
        if not self._stored_count:
            return sequence - self._next <= _MAX_BLIND_GAP
        return self._stored_leaf(sequence) == leaf_hash(line)

    def _fill(self, end: int) -> None:
        """Entries up to `end` are gone; their stored hashes let the walk go on."""
        self._report.note(self._next, f"{_span(self._next, end)} missing")
        while self._next < end:
            self._add(self._stored_leaf(self._next) or leaf_hash(b""))

    def _take(self, line: bytes) -> None:
        leaf, stored = leaf_hash(line), self._stored_leaf(self._next)
        if stored and stored != leaf:
            self._report.note(self._next, f"entry {self._next} is changed: its stored hash is another")
        elif not _is_json(line):
            self._report.note(self._next, f"entry {self._next} is not JSON")
        self._add(stored or leaf)

    def _stored_leaf(self, sequence: int) -> bytes:
        """The stored hash of a leaf, read a block at a time; empty when there is none."""
        number, offset = divmod(sequence, _BATCH)
        if sequence >= self._stored_count:
            return b""
        if self._block[0] != number:
            self._block = number, self._files.hashes(0, sequence - offset, _BATCH)
        return self._block[1][offset]

    def _add(self, leaf: bytes) -> None:
        self._leaves.append(leaf)
        self._next += 1
        if len(self._leaves) == _BATCH:
            self._fold()
        if self._due and self._due[0][0] == self._next:
            self._check_roots()

    def _fold(self) -> None:
        self._tree.append(self._leaves)
        self._leaves = []

    def _check_roots(self) -> None:
        """Compare the root with every checkpoint of this size."""
        if not (self._due and self._due[0][0] <= self._next):
            return
        self._fold()
        root = self._tree.root()
        while self._due and self._due[0][0] <= self._next:
            checkpoint = heapq.heappop(self._due)[2]
            if checkpoint.root == root:
                self._trusted = checkpoint.size
                self._report.signed, self._report.origin = checkpoint.size, checkpoint.origin
            else:
                span = f"entries {self._trusted} to {checkpoint.size - 1}"
                self._report.note(
                    self._trusted, f"{span} do not lead to the checkpoint signed at {checkpoint.size}"
                )

    def _finish(self) -> None:
        self._report.entries = self._next
        self._report.root = self._tree.root()
        last = max([self._stored_count, *(size for size, _, _ in self._due)])
        if last > self._next:
            self._report.note(self._next, f"{_span(self._next, last)} missing from the end")


def _span(start: int, end: int) -> str:
    return f"entry {start} is" if end == start + 1 else f"entries {start} to {end - 1} are"


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
