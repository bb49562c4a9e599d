"""A line on the terminal that tells how far a scan is: a bar where the total is known."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.blob import Source

BAR = 24  # cells
MIN_SECONDS = 0.5  # of a scan before anything is shown


class Progress:
    """Called with (blobs, bytes) so far; draws over itself on `stream`."""

    def __init__(self, source: Source, stream: TextIO) -> None:
        self._source = source
        self._stream = stream
        self._started = time.monotonic()
        self._drawn = False

    def __call__(self, blobs: int, size_bytes: int) -> None:
        """Draw how far the scan is."""
        seconds = time.monotonic() - self._started
        if seconds < MIN_SECONDS:
            return
        line = describe(blobs, size_bytes, seconds, getattr(self._source, "total", 0))
        self._stream.write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1])
        self._stream.flush()
        self._drawn = True

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def describe(blobs: int, size_bytes: int, seconds: float, total: int) -> str:
    """The line: what was read, how fast, and, where `total` bytes are known, what is left."""
    rate = size_bytes / max(seconds, 0.001)
    line = f"{blobs:,} read, {size_bytes / 1e6:,.0f} MB, {rate / 1e6:,.0f} MB/s"
    if not total or not rate:
        return line
    part = min(1.0, size_bytes / total)
    left = max(0.0, total - size_bytes) / rate
    full = int(part * BAR)
    return f"[{'█' * full}{'·' * (BAR - full)}] {part:4.0%}  {line}, {left:,.0f} s left"
