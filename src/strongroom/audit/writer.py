"""The log's one writer: lines to disk, hashes to the tree, checkpoints to the journal.

Used by one thread at a time. A line exists once it is synced; only then is it hashed into the tree,
so a batch that could not be written was never part of it.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from strongroom.audit import journal
from strongroom.audit.checkpoint import Signer
from strongroom.audit.recovery import recover
from strongroom.audit.segments import SEGMENT_BYTES, SegmentWriter
from strongroom.audit.tree import TreeFiles, leaf_hash
from strongroom.clock import Clock, rfc3339
from strongroom.errors import AuditFailed


class Writer:
    """Owns a log's directory. `size` is the number of entries that are on disk."""

    def __init__(self, directory: Path, clock: Clock, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Open the log, recovering from a crash.

        Raises AuditFailed when another process writes this log, IntegrityFailure when it is damaged.
        """
        directory.mkdir(mode=0o700, exist_ok=True, parents=True)
        self._directory = directory
        self._clock = clock
        self._lock = _lock(directory)
        self._files = TreeFiles(directory / "tree", writable=True)
        self._segment = SegmentWriter(directory, segment_bytes)
        self._signer: Signer | None = None
        try:
            state = recover(directory, self._files)
        except BaseException:
            self._files.close()
            os.close(self._lock)
            raise
        if state.last is not None:
            self._segment.resume(state.last, state.length)
        self._tree = self._files.tree(state.size)
        self._unsaved: list[tuple[int, int, list[bytes]]] = []
        self.size = state.size
        self.signed_size = state.signed_size
        self.torn_bytes = state.torn_bytes

    def write(self, entries: list[bytes]) -> list[bytes]:
        """Put entries on disk as the next lines, and return the lines.

        OSError: none of them is in the log. A failed sync ends the process.
        """
        if self._segment.full:
            self._save()
            self._files.sync()  # so that a start needs to read the last segment only
            self._segment.rotate(self.size)
        lines = [b'{"seq":%d,%b' % (seq, entry[1:]) for seq, entry in enumerate(entries, self.size)]
        self._segment.append(b"\n".join(lines) + b"\n")
        self.size += len(lines)
        return lines

    def index(self, lines: list[bytes]) -> None:
        """Hash written lines into the tree. What the disk does not take is kept and tried again."""
        position = self._tree.size
        for level, hashes in enumerate(self._tree.append([leaf_hash(line) for line in lines])):
            self._unsaved.append((level, position >> (8 * level), hashes))
        with suppress(OSError):  # derived data: the next batch saves it, or the next start rebuilds it
            self._save()

    def use(self, signer: Signer | None) -> None:
        """Sign checkpoints with this key from now on; None while the barrier is sealed."""
        if signer is not None:
            journal.add_key(self._directory, signer.key)
        self._signer = signer

    def checkpoint(self) -> str:
        """Sign the log as it is and keep the note; the last one when nothing has come since.

        Raises AuditFailed without a key or room on the disk.
        """
        last = journal.latest(self._directory)
        if last is not None and self.size == self.signed_size:
            return last.note
        if self._signer is None:
            raise AuditFailed("the log has no signing key: the barrier is sealed")
        note = self._signer.sign(self.size, self._tree.root())
        try:
            journal.add(self._directory, journal.SignedNote(rfc3339(self._clock.now()), note))
        except OSError as error:
            raise AuditFailed(f"the checkpoint could not be written: {error.strerror}") from error
        self.signed_size = self.size
        return note

    def close(self) -> None:
        """Save the tree and let go of the directory."""
        with suppress(OSError):  # the next start rebuilds what is missing
            self._save()
        self._files.close()
        self._segment.close()
        os.close(self._lock)

    def _save(self) -> None:
        """Write hashes in order; each stays queued until it is in its file."""
        while self._unsaved:
            level, position, hashes = self._unsaved[0]
            self._files.put(level, position, hashes)
            self._unsaved.pop(0)


def _lock(directory: Path) -> int:
    """Hold the log's directory for this process."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise AuditFailed(f"another process writes the audit log in {directory}") from error
    return file
