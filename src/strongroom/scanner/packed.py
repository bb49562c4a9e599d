"""Many plain values stored as one: each is read when it is asked for, so that a hook reads few."""

from __future__ import annotations

import marshal
import sys
from typing import Any

Stored = tuple[bytes, bytes]  # the values, and where each begins


def pack(values: list[Any]) -> Stored:
    """Store `values` (of what `marshal` takes) one behind the other."""
    parts = [marshal.dumps(value) for value in values]
    starts, at = [], 0
    for part in parts:
        starts.append(at.to_bytes(4, sys.byteorder))
        at += len(part)
    return b"".join(parts), b"".join(starts)


class Packed:
    """Reads what `pack` stored, by number."""

    __slots__ = ("_body", "_starts")

    def __init__(self, stored: Stored) -> None:
        self._body = memoryview(stored[0])
        self._starts = memoryview(stored[1]).cast("I")

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> Any:
        return marshal.loads(self._body[self._starts[number] :])  # noqa: S302 (plain values of the cache)
