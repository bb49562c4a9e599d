"""The backup file: a header that says what it is, a snapshot of the store, a checksum of both.

Layout: a line of magic, the header's length (4 bytes, big-endian), the header as JSON, the
snapshot, SHA-256 of all that (32 bytes). The snapshot is a SQLite file of ciphertext: without
the key shares nothing in it can be read. The checksum tells damage; entries that were changed
on purpose do not authenticate when they are read.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from typing import TYPE_CHECKING, Any

from strongroom.errors import IntegrityFailure, InvalidRequest
from strongroom.storage.files import sync_directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAGIC = b"STRONGROOM BACKUP 1\n"
LENGTH_BYTES = 4
CHECKSUM_BYTES = 32
BLOCK = 1 << 20
LONGEST_HEADER = 1 << 20


class Packed:
    """A backup's bytes, in order, to be read once; `size_bytes` of them.

    `header` names the snapshot's `size_bytes` and `sha256`. Iterating raises IntegrityFailure, before the
    last bytes, when the snapshot is not what the header says. `sha256` is of what was read so far.
    """

    def __init__(self, header: dict[str, Any], snapshot: Iterable[bytes]) -> None:
        described = json.dumps(header, indent=2).encode() + b"\n"
        self._head = MAGIC + len(described).to_bytes(LENGTH_BYTES) + described
        self._header = header
        self._snapshot = snapshot
        self._whole = hashlib.sha256()
        self.size_bytes = len(self._head) + int(header["size_bytes"]) + CHECKSUM_BYTES

    @property
    def sha256(self) -> str:
        """In hex."""
        return self._whole.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        inner, size = hashlib.sha256(), 0
        yield self._counted(self._head)
        for block in self._snapshot:
            inner.update(block)
            size += len(block)
            yield self._counted(block)
        if (inner.hexdigest(), size) != (self._header["sha256"], self._header["size_bytes"]):
            raise IntegrityFailure("the snapshot was damaged on the way; nothing was kept")
        yield self._counted(self._whole.digest())

    def _counted(self, part: bytes) -> bytes:
        self._whole.update(part)
        return part


def write(path: Path, packed: Packed) -> None:
    """Write a backup that appears under its name when it is whole and durable.

    Raises InvalidRequest when `path` exists, IntegrityFailure when the snapshot is not what the header says.
    """
    _expect_none(path)
    # A name of its own: another process may write a file of the same name, or have been killed at it.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for part in packed:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        _expect_none(path)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_directory(path.parent)


def _expect_none(path: Path) -> None:
    if path.exists():
        raise InvalidRequest(f"{path} exists; a backup never overwrites")


def extract(path: Path, target: Path) -> dict[str, Any]:
    """Check a backup from end to end, write its snapshot to `target` (new, private), return its header.

    Raises IntegrityFailure for a file that is cut off, changed or no backup.
    """
    size = path.stat().st_size
    whole, inner = hashlib.sha256(), hashlib.sha256()
    with path.open("rb") as file:
        head = file.read(len(MAGIC) + LENGTH_BYTES)
        length = int.from_bytes(head[len(MAGIC) :])
        if not head.startswith(MAGIC) or len(head) != len(MAGIC) + LENGTH_BYTES or length > LONGEST_HEADER:
            raise IntegrityFailure(f"{path} is not a backup")
        described = file.read(length)
        left = size - len(head) - length - CHECKSUM_BYTES
        if left < 0:
            raise IntegrityFailure(f"{path} is cut off")
        whole.update(head + described)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as copy:
            while left and (block := file.read(min(left, BLOCK))):
                left -= len(block)
                copy.write(block)
                whole.update(block)
                inner.update(block)
        checksum = file.read()
    return _header(path, described, whole.digest() == checksum, inner.hexdigest())


def _header(path: Path, described: bytes, whole: bool, sha256: str) -> dict[str, Any]:
    if not whole:
        raise IntegrityFailure(f"{path} is damaged or cut off: its checksum does not fit")
    try:
        header = json.loads(described)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("sha256") != sha256:
        raise IntegrityFailure(f"{path} does not hold the snapshot that its header describes")
    return header
