"""The checkpoints a log has signed, and the public keys it signed them with.

`checkpoints.jsonl` has one `{"time":…,"note":…}` a line; `checkpoint.vkey` one key a line.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from strongroom.audit.checkpoint import VerifyKey
from strongroom.audit.disk import sync_directory, sync_or_die, write_all
from strongroom.errors import IntegrityFailure

NOTES = "checkpoints.jsonl"
KEYS = "checkpoint.vkey"


class SignedNote(Struct, frozen=True, forbid_unknown_fields=True):
    """A checkpoint as kept: `time` is RFC 3339, `note` the signed note."""

    time: str
    note: str


def keys(directory: Path) -> list[VerifyKey]:
    """The log's public keys, oldest first; empty before the first unseal."""
    try:
        text = (directory / KEYS).read_text()
    except FileNotFoundError:
        return []
    return [VerifyKey.parse(line) for line in text.splitlines() if line]


def add_key(directory: Path, key: VerifyKey) -> None:
    """Publish a key, unless it is there."""
    known = keys(directory)
    if key not in known:
        _write_line(directory / KEYS, f"{key}\n".encode())
        sync_directory(directory)


def notes(directory: Path) -> list[SignedNote]:
    """Every signed checkpoint, oldest first; a torn last line is left out."""
    try:
        text = (directory / NOTES).read_bytes()
    except FileNotFoundError:
        return []
    try:
        return [msgspec.json.decode(line, type=SignedNote) for line in text.split(b"\n")[:-1]]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IntegrityFailure(f"{NOTES} holds a line that is no checkpoint") from error


def latest(directory: Path, within_bytes: int = 1 << 16) -> SignedNote | None:
    """The newest checkpoint; reads the end of the file only."""
    try:
        with (directory / NOTES).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - within_bytes))
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(lines[-2], type=SignedNote) if len(lines) > 1 else None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IntegrityFailure(f"the last line of {NOTES} is no checkpoint") from error


def add(directory: Path, note: SignedNote) -> None:
    """Keep a checkpoint, durably. On OSError nothing was added."""
    new = not (directory / NOTES).exists()
    _write_line(directory / NOTES, msgspec.json.encode(note) + b"\n")
    if new:
        sync_directory(directory)


def _write_line(path: Path, line: bytes) -> None:
    """Append a line after the last whole one and sync it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        end = _end_of_lines(file)
        os.ftruncate(file, end)  # a torn line of an earlier crash
        try:
            write_all(file, line, end)
        except OSError:
            os.ftruncate(file, end)
            raise
        sync_or_die(file)
    finally:
        os.close(file)


def _end_of_lines(file: int) -> int:
    """Offset after the last newline."""
    size = os.fstat(file).st_size
    start = max(0, size - (1 << 16))
    return start + os.pread(file, 1 << 16, start).rfind(b"\n") + 1
