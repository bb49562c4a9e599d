"""The store's directory: private to its user, and held by one process at a time."""

import fcntl
import os
from pathlib import Path

from strongroom.storage.contract import StorageFull, StoreInUse

LOCK_NAME = "store.lock"


def private_directory(path: Path) -> None:
    """Create `path` with mode 0700, durably, or tighten the one that is there."""
    created = not path.exists()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    if created:
        sync_directory(path.parent)


def private_file(path: Path) -> None:
    """Make sure `path` exists with mode 0600 before another library opens it."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class DirectoryLock:
    """An advisory lock that the kernel releases when the process ends, however it ends."""

    def __init__(self, directory: Path) -> None:
        """Take the lock. Raises StoreInUse, naming the process that has it; StorageFull."""
        path = directory / LOCK_NAME
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StoreInUse(f"the store in {directory} is held by process {holder}") from None
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise StorageFull(f"the lock of {directory} cannot be written: {error.strerror}") from error

    def release(self) -> None:
        """Let another process have the store."""
        os.close(self._descriptor)
