"""Decodes runs of hex, base64 and URL-encoding in a text into one buffer, and says where each stood."""

from __future__ import annotations

import re
from base64 import b64decode
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from strongroom.scanner.known import escapes
from strongroom.scanner.known.search import ENCODED, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REACH = 1 << 20  # bytes of one run that are decoded
_BACK = 4096
_BEFORE = re.compile(rb"(?:[A-Za-z0-9+/_-]{64,76}\r?\n)*[A-Za-z0-9+/_-]*\Z")
_RUN = re.compile(rb"(?:[A-Za-z0-9+/_-]{64,76}\r?\n)*[A-Za-z0-9+/_-]*")
_BREAK = re.compile(rb"\r?\n")
_HEX = re.compile(rb"[0-9a-f]+|[0-9A-F]+")
_SEGMENT = re.compile(rb"(?:%[0-9a-fA-F]{2}[A-Za-z0-9._~!*'()+-]*+){3,}")
_LEAD = re.compile(rb"[A-Za-z0-9._~!*'()+-]{0,256}\Z")
_STANDARD = bytes.maketrans(b"-_", b"+/")


class Part(NamedTuple):
    """A decoded piece: at `at` in the buffer; `width` characters at `start` made `size` bytes each time.

    The run began at `run`; each `line` characters of it were followed by `gap` more for the line's end.
    Where `origins` are given they say for each byte where it stood.
    """

    at: int
    start: int
    width: int
    size: int
    run: int = 0
    line: int = 0
    gap: int = 0
    origins: Sequence[int] = ()

    def origin(self, characters: int) -> int:
        """Where the text stood that begins so many characters after `start`."""
        inside = self.start - self.run + characters
        return self.run + inside + (inside // self.line * self.gap if self.line else 0)


class Decoded(NamedTuple):
    """All that was decoded of one text."""

    buffer: bytes
    parts: list[Part]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where buffer[first:last] stood in the text."""
        part = self.parts[bisect_right(self.parts, first, key=lambda p: p.at) - 1]
        if part.origins:
            return part.origins[first - part.at], part.origins[last - part.at]
        begin = part.origin((first - part.at) // part.size * part.width)
        end = part.origin(-(-(last - part.at) // part.size) * part.width - 1) + 1
        return begin, end


def decode(data: bytes) -> Decoded:
    """Decode every run in `data` that may hold a value."""
    buffer = bytearray()
    parts: list[Part] = []
    done = 0
    for place in encoded(data):
        if place < done:
            continue
        before = _BEFORE.search(data, max(done, place - _BACK), place)
        run = _RUN.match(data, before.start() if before else place, place + REACH)
        if run is None or len(run[0]) < ENCODED:
            continue
        done = run.end()
        line, gap = _lines(run[0])
        for shift, width, size, text in _readings(run[0]):
            start = run.start() + shift
            parts.append(Part(len(buffer), start, width, size, run.start(), line, gap))
            buffer += text + b"\0"
    for segment in _SEGMENT.finditer(data) if b"%" in data else ():
        lead = _LEAD.search(data, max(0, segment.start() - 256), segment.start())
        start = lead.start() if lead else segment.start()
        plain = escapes.from_url(data[start : min(segment.end(), start + REACH)], start)
        parts.append(Part(len(buffer), start, 1, 1, origins=plain.origins))
        buffer += plain.text + b"\0"
    return Decoded(bytes(buffer), parts)


def _lines(run: bytes) -> tuple[int, int]:
    """The characters of each line of a wrapped run and of each line's end; zeros for a run of one line."""
    end = _BREAK.search(run)
    return (end.start(), end.end() - end.start()) if end else (0, 0)


def _readings(run: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """(characters left out, characters, bytes for them, decoded) for each way to read a run."""
    text = _BREAK.sub(b"", run) if b"\n" in run else run
    if _HEX.fullmatch(text):
        for shift in range(2):
            even = text[shift : shift + (len(text) - shift) // 2 * 2]
            yield shift, 2, 1, bytes.fromhex(even.decode())
    if b"-" in text or b"_" in text:
        text = text.translate(_STANDARD)
    for shift in range(4):
        part = text[shift:]
        part += b"A" * (-len(part) % 4)
        yield shift, 4, 3, b64decode(part)
