"""File device: JSON lines, in a file below the one directory the configuration names.

API: Vault's `file` audit device. The file is never executable, no part of its name is followed as a
link, and SIGHUP opens it afresh after a rotation.
"""

import asyncio
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Annotated

from msgspec import Meta

from strongroom.audit.devices.options import DevicePolicy, Options
from strongroom.audit.disk import write_all
from strongroom.errors import InvalidRequest

STDOUT = "stdout"


class FileOptions(Options, frozen=True, kw_only=True):
    """`file_path` is absolute or relative to the directory; `stdout` is the server's own output."""

    file_path: str = ""
    path: str = ""
    mode: Annotated[str, Meta(pattern=r"^0?[0-7]{1,3}$")] = "0600"


class FileDevice:
    """Appends lines to a file."""

    def __init__(self, options: FileOptions, policy: DevicePolicy) -> None:
        """Opens the file, so that a wrong name shows at once. Raises InvalidRequest."""
        name = options.file_path or options.path
        self._mode = _mode(options.mode)
        self._stale = False
        self._directory, self._parts = Path(), tuple[str, ...]()
        if name == STDOUT:
            self._file = os.dup(1)
            return
        if policy.file_directory is None:
            raise InvalidRequest("the configuration names no directory for audit files")
        self._directory, self._parts = policy.file_directory, _below(policy.file_directory, name)
        try:
            self._file = self._open()
        except OSError as error:
            raise InvalidRequest(f"the audit file cannot be opened: {error.strerror}") from error

    async def deliver(self, lines: Sequence[bytes]) -> None:
        """Append the lines; on OSError none of them stays."""
        await asyncio.to_thread(self._append, b"\n".join(lines) + b"\n")

    async def settle(self) -> None:
        """Sync the file, where there is one."""
        if self._directory != Path():
            await asyncio.to_thread(os.fdatasync, self._file)

    def reopen(self) -> None:
        """Open the file by its name again before the next line."""
        self._stale = self._directory != Path()

    async def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _append(self, block: bytes) -> None:
        if self._stale:
            fresh = self._open()
            os.close(self._file)
            self._file, self._stale = fresh, False
        if self._directory == Path():
            _write_stream(self._file, block)
            return
        start = os.fstat(self._file).st_size
        try:
            write_all(self._file, block, start)  # the file is in append mode: the offset is the end
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, start)
            raise

    def _open(self) -> int:
        """Walk down from the directory without following a link, and open or create the file."""
        at = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in self._parts[:-1]:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                below = os.open(part, flags, dir_fd=at)
                os.close(at)
                at = below
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open(self._parts[-1], flags, self._mode, dir_fd=at)
        finally:
            os.close(at)
        found = os.fstat(file).st_mode
        if not stat.S_ISREG(found) or found & 0o111:
            os.close(file)
            raise InvalidRequest("the audit file is executable or not a regular file")
        return file


def _below(directory: Path, name: str) -> tuple[str, ...]:
    """The parts of a name below the directory. Raises InvalidRequest when it leads elsewhere."""
    path = PurePosixPath(name)
    if path.is_absolute():
        if not path.is_relative_to(directory):
            raise InvalidRequest("the audit file is not below the directory the configuration names")
        path = path.relative_to(directory)
    if not path.parts or ".." in path.parts or not name.isprintable() or name.endswith("/"):
        raise InvalidRequest("the audit device needs a plain file_path")
    return path.parts


def _mode(text: str) -> int:
    """File permissions; `0`, as in Vault, leaves them at the default. Raises InvalidRequest."""
    mode = int(text, 8) or 0o600
    if mode & 0o111 or mode & 0o002:
        raise InvalidRequest("an audit file is neither executable nor writable by everyone")
    return mode


def _write_stream(file: int, block: bytes) -> None:
    left = memoryview(block)
    while left:
        left = left[os.write(file, left) :]
