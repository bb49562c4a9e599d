"""Writing so that it lasts: whole writes, syncs that end the process when they fail."""

import os
import sys
from pathlib import Path
from typing import NoReturn


def write_all(file: int, block: bytes, offset: int) -> int:
    """Write every byte at `offset`; returns the offset after them. On OSError, part may be there."""
    left = memoryview(block)
    while left:
        written = os.pwrite(file, left, offset)
        left, offset = left[written:], offset + written
    return offset


def sync_or_die(file: int) -> None:
    """Put a file's content on the disk.

    A failure ends the process: the kernel may have dropped the pages, so asking again would lie.
    Nothing written since the last good sync has been acknowledged.
    """
    try:
        os.fdatasync(file)
    except OSError as error:
        _die(error)


def sync_directory(directory: Path) -> None:
    """Make new names in a directory durable, or end the process."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    except OSError as error:
        _die(error)
    finally:
        os.close(file)


def replace(path: Path, content: bytes) -> None:
    """Replace a small file, durably and at once: a crash leaves the old or the new one."""
    fresh = path.with_name(path.name + ".new")
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(file, content, 0)
        sync_or_die(file)
    finally:
        os.close(file)
    fresh.replace(path)
    sync_directory(path.parent)


def _die(error: OSError) -> NoReturn:
    """End the process at once after one line on stderr."""
    sys.stderr.write(f"strongroom: the audit log could not be synced to disk ({error.strerror}); stopping\n")
    sys.stderr.flush()
    os._exit(os.EX_IOERR)
