"""Compiled rules on disk, so that a hook starts in milliseconds.

What is read back steers a native engine, so it must be the user's own: the
folder belongs to the user and nobody else may write it, the file too, and its
checksum (CRC-32, against a torn write) fits. Anything else is ignored and
compiled anew. The content is `marshal` of plain values, which runs no code.
"""

from __future__ import annotations

import marshal
import mmap
import os
import stat
import zlib
from contextlib import suppress
from typing import Any

_MARK = b"sr2\0"  # and four bytes of checksum
_HEAD = len(_MARK) + 4


def folder() -> str:
    """The folder: STRONGROOM_CACHE, or strongroom in XDG_CACHE_HOME or ~/.cache; "" when there is none."""
    if path := os.environ.get("STRONGROOM_CACHE"):
        return path
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118 (pathlib costs a hook 4 ms)
    return os.path.join(home, "strongroom") if os.path.isabs(home) else ""  # noqa: PTH117, PTH118


def read(name: str) -> Any:
    """Return what was stored under `name`, or None when there is nothing that can be trusted."""
    place = folder()
    if not place or not _private(place):
        return None
    try:
        handle = os.open(f"{place}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            return None
        if found.st_size <= _HEAD:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw, memoryview(raw) as whole:
            return _content(whole)


def _content(whole: memoryview) -> Any:
    with whole[_HEAD:] as body:
        if whole[:_HEAD] != _MARK + zlib.crc32(body).to_bytes(4, "little"):
            return None
        with suppress(ValueError, EOFError, TypeError):
            return marshal.loads(body)  # noqa: S302 (plain values in a file that only this user can write)
    return None


def write(name: str, content: Any) -> bool:
    """Store `content` (plain values) under `name`; False when there is no folder to trust."""
    place = folder()
    if not place:
        return False
    body = marshal.dumps(content)
    scratch = f"{place}/{name}.{os.getpid()}"
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)  # noqa: PTH103
        if not _private(place):
            return False
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(_MARK + zlib.crc32(body).to_bytes(4, "little"))
            file.write(body)
        os.replace(scratch, f"{place}/{name}")  # noqa: PTH105
    except OSError:
        with suppress(OSError):
            os.unlink(scratch)  # noqa: PTH108
        return False
    _forget_old(place, name)
    return True


def _private(place: str) -> bool:
    """Whether `place` is the user's own folder, no link, and closed to others' writing."""
    try:
        found = os.lstat(place)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _forget_old(place: str, name: str, keep: int = 6) -> None:
    """Remove all but the newest files of the kind that `name` begins with."""
    kind = name.partition("-")[0] + "-"
    with suppress(OSError), os.scandir(place) as entries:
        files = sorted(
            (e for e in entries if e.name.startswith(kind)), key=lambda e: e.stat().st_mtime, reverse=True
        )
        for entry in files[keep:]:
            os.unlink(entry.path)  # noqa: PTH108
