"""The sizes that bound a scan's memory and time."""

from __future__ import annotations

from typing import NamedTuple

PIECE = 8 << 20  # bytes of a huge file scanned at once
OVERLAP = 64 << 10  # bytes two pieces share: longer than any match with its surroundings
BACK = 4096  # bytes before a piece's own part: what stands before a match speaks too
WINDOW = 4096  # bytes a pattern without an upper bound may reach
NAME_REACH = 60  # bytes from a name to the value it speaks about
SMALL_JOB = 24 << 20  # bytes below which workers cost more than they save


class Limits(NamedTuple):
    """What a scan refuses to read further. Sizes in bytes, times in seconds."""

    max_size: int = 2 << 30
    max_depth: int = 5
    max_members: int = 100_000
    max_ratio: int = 200
    max_expanded: int = 4 << 30
    seconds: float = 60.0
