"""Decodes runs of hex, base64 and URL-encoding in a text into one buffer, and says where each stood."""

from __future__ import annotations

import re
from binascii import a2b_base64
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from strongroom.scanner.known import escapes
from strongroom.scanner.known.search import ENCODED, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REACH = 1 << 20  # bytes of one run that are decoded
SHIFTS = 4  # places in a group of four characters at which base64 may begin
_BACK = 4096
_LEAD = 256  # characters before a URL-encoded one that belong to the same text
_ENCODING = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
_UNESCAPED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~!*'()+-")
_RUN = re.compile(rb"(?:[A-Za-z0-9+/_-]{64,76}\r?\n)*[A-Za-z0-9+/_-]*")
_LONG = re.compile(rb"[A-Za-z0-9+/_-]{%d}" % ENCODED)
_BREAK = re.compile(rb"\r?\n")
_HEX = re.compile(rb"[0-9a-f]+|[0-9A-F]+")
_ESCAPED = rb"%[0-9a-fA-F]{2}[A-Za-z0-9._~!*'()+-]*+"
_SEGMENT = re.compile(_ESCAPED + rb"(?:" + _ESCAPED + rb"){2,}")  # begins with a letter: found quickly
_STANDARD = bytes.maketrans(b"-_", b"+/")


class Run(NamedTuple):
    """Encoded text at `start`; each `line` characters of it were followed by `gap` more for a line's end."""

    start: int
    line: int
    gap: int

    def origin(self, characters: int) -> int:
        """Where the text stood that comes after so many characters."""
        return self.start + characters + (characters // self.line * self.gap if self.line else 0)


class Base64:
    """Every run, one after the other, decoded from each of four places on: four sections of one length.

    A run begins at a multiple of four characters, so section s has what its characters from s on
    decode to at the same offset as every other section.
    """

    def __init__(self) -> None:
        self._text = bytearray()
        self._offsets: list[int] = []
        self._runs: list[Run] = []

    def add(self, run: Run, text: bytes) -> None:
        """Take a run's characters; zeros stand between it and the next."""
        self._offsets.append(len(self._text))
        self._runs.append(run)
        self._text += text
        self._text += b"A" * (SHIFTS + -len(self._text) % SHIFTS)

    def decoded(self) -> bytes:
        """All sections."""
        text = bytes(self._text).translate(_STANDARD)
        if not text:
            return b""
        return b"".join(a2b_base64(text[shift:] + b"A" * shift) for shift in range(SHIFTS))

    @property
    def section(self) -> int:
        """The bytes of one section."""
        return len(self._text) // 4 * 3

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where decoded()[first:last] stood in the text."""
        shift, inside = divmod(first, self.section)
        begin, end = inside // 3 * 4, -(-(last - shift * self.section) // 3) * 4
        number = bisect_right(self._offsets, begin) - 1
        run, skipped = self._runs[number], self._offsets[number] - shift
        return run.origin(begin - skipped), run.origin(end - skipped - 1) + 1


class Part(NamedTuple):
    """A decoded piece at `at` in the buffer; `origins` say where each byte of it, and its end, stood."""

    at: int
    origins: Sequence[int]


class Decoded(NamedTuple):
    """All that was decoded of one text: the sections of base64, then the parts."""

    buffer: bytes
    base64: Base64
    parts: list[Part]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where buffer[first:last] stood in the text."""
        if first < SHIFTS * self.base64.section:
            return self.base64.span(first, last)
        part = self.parts[bisect_right(self.parts, first, key=lambda p: p.at) - 1]
        end = min(last - part.at, len(part.origins) - 1)  # the zero after it may look like its own
        return part.origins[first - part.at], part.origins[end]


def decode(data: bytes) -> Decoded:
    """Decode every run in `data` that may hold a value."""
    base64 = Base64()
    others: list[tuple[bytes, Sequence[int]]] = []
    for run, text in _runs(data):
        base64.add(run, text)
        if _HEX.fullmatch(text):
            others += _from_hex(run, text)
    for segment in _SEGMENT.finditer(data) if b"%" in data else ():
        start = _back(data, segment.start(), max(0, segment.start() - _LEAD), _UNESCAPED)
        others.append(escapes.from_url(data[start : min(segment.end(), start + REACH)], start))
    buffer = bytearray(base64.decoded())
    parts = []
    for text, origins in others:
        parts.append(Part(len(buffer), origins))
        buffer += text + b"\0"
    return Decoded(bytes(buffer), base64, parts)


def _runs(data: bytes) -> Iterator[tuple[Run, bytes]]:
    """Each run, and its characters without ends of lines."""
    done = 0
    for first, end in encoded(data):
        at = _back(data, first, max(done, first - _BACK), _ENCODING) if first > done else done
        while at < end:
            long = _LONG.search(data, at, end + ENCODED)
            if long is None:
                break
            found = _RUN.match(data, long.start(), long.start() + REACH)
            if found is None:
                break
            at = done = found.end()
            yield _unwrapped(found.start(), found[0])


def _unwrapped(start: int, text: bytes) -> tuple[Run, bytes]:
    end = _BREAK.search(text) if b"\n" in text else None
    if end is None:
        return Run(start, 0, 0), text
    return Run(start, end.start(), end.end() - end.start()), _BREAK.sub(b"", text)


def _from_hex(run: Run, text: bytes) -> Iterator[tuple[bytes, Sequence[int]]]:
    for shift in range(2):
        size = (len(text) - shift) // 2
        origins = [run.origin(shift + 2 * at) for at in range(size)]
        end = run.origin(shift + 2 * size - 1) + 1
        yield bytes.fromhex(text[shift : shift + 2 * size].decode()), [*origins, end]


def _back(data: bytes, place: int, low: int, letters: frozenset[int]) -> int:
    """Where the stretch of `letters` that ends before `place` begins, at the earliest at `low`."""
    while place > low and data[place - 1] in letters:
        place -= 1
    return place
