"""What the shim recorded, and the directory as a crash at any moment would leave it."""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEAD = struct.Struct("<cHqq")


@dataclass(frozen=True)
class Operation:
    """w: data at offset; t: truncation to offset; s: sync; r: rename to data; u: unlink."""

    kind: str
    path: str
    offset: int
    data: bytes


def read_journal(path: Path) -> list[Operation]:
    """Parse the shim's log."""

    def records(raw: bytes) -> Iterator[Operation]:
        at = 0
        while at < len(raw):
            kind, name_size, offset, size = HEAD.unpack_from(raw, at)
            at += HEAD.size
            name, data = raw[at : at + name_size], raw[at + name_size : at + name_size + size]
            at += name_size + size
            yield Operation(kind.decode(), name.decode(), offset, data)

    return list(records(path.read_bytes()))


class Disk:
    """Files as the page cache holds them, and as the platter does."""

    def __init__(self) -> None:
        self.cached: dict[str, bytearray] = {}
        self.durable: dict[str, bytearray] = {}
        self.pending: dict[str, list[Operation]] = {}

    def apply(self, operation: Operation) -> None:
        """Carry out one operation."""
        path = operation.path
        if operation.kind in "wt":
            change(self.cached.setdefault(path, bytearray()), operation)
            self.pending.setdefault(path, []).append(operation)
        elif operation.kind == "s":
            if path in self.cached:
                self.durable[path] = bytearray(self.cached[path])
            self.pending.pop(path, None)
        elif operation.kind == "u":
            self.cached.pop(path, None)
            self.durable.pop(path, None)
            self.pending.pop(path, None)
        else:
            raise AssertionError(f"the scenario is not expected to do {operation.kind}")

    def after_power_loss(self, survivors: random.Random | None) -> dict[str, bytearray]:
        """What was synced, and of what was not: nothing, or a random part of it."""
        files = {path: bytearray(content) for path, content in self.durable.items()}
        for path, operations in self.pending.items():
            content = files.setdefault(path, bytearray())
            for operation in operations:
                if survivors is not None and survivors.random() < 0.5:
                    change(content, operation)
        return files


def change(content: bytearray, operation: Operation) -> None:
    """Apply a write or a truncation to a file."""
    if operation.kind == "t":
        del content[operation.offset :]
        content.extend(bytes(operation.offset - len(content)))
        return
    end = operation.offset + len(operation.data)
    content.extend(bytes(max(0, end - len(content))))
    content[operation.offset : end] = operation.data


def lay_out(files: dict[str, bytearray], recorded_in: Path, target: Path) -> None:
    """Write files recorded below one directory into another."""
    for path, content in files.items():
        there = target / Path(path).relative_to(recorded_in)
        there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        there.write_bytes(content)
