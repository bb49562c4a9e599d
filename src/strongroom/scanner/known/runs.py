"""Decodes runs of hex, base64 and URL-encoding in a text into one buffer, and says where each stood."""

from __future__ import annotations

import re
from binascii import a2b_base64
from bisect import bisect_right
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from strongroom.scanner.known import encoded, escapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REACH = 1 << 20  # bytes of one URL-encoded stretch that are decoded
SHIFTS = 4  # places in a group of four characters at which base64 may begin
_LEAD = 256  # characters before a URL-encoded one that belong to the same text
_UNESCAPED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~!*'()+-")
_HEX = re.compile(rb"[0-9a-f]+|[0-9A-F]+")
_BREAK = re.compile(rb"\r?\n")
_ESCAPED = rb"%[0-9a-fA-F]{2}[A-Za-z0-9._~!*'()+-]*+"
_SEGMENT = re.compile(_ESCAPED + rb"(?:" + _ESCAPED + rb"){2,}")  # begins with a letter: found quickly
_STANDARD = bytes.maketrans(b"-_", b"+/")
_PADS = tuple(b"A" * (SHIFTS + -size % SHIFTS) for size in range(SHIFTS))


class Line(NamedTuple):
    """How a run is broken: each `size` characters of it were followed by `gap` more for a line's end."""

    size: int
    gap: int


class Base64:
    """Every run, one after the other, decoded from each of four places on: four sections of one length.

    A run begins at a multiple of four characters, so section s has what its characters from s on
    decode to at the same offset as every other section. Between runs stand zeros.
    """

    def __init__(self, data: bytes, found: encoded.Runs) -> None:
        firsts = found.firsts.tolist()
        texts = [data[a:b] for a, b in zip(firsts, found.ends.tolist(), strict=True)]
        self._lines: dict[int, Line] = {}
        for first, end in found.lines:
            text = data[first:end]
            broken = _BREAK.search(text)
            if broken is not None:
                self._lines[len(texts)] = Line(broken.start(), broken.end() - broken.start())
                text = _BREAK.sub(b"", text)
            firsts.append(first)
            texts.append(text)
        self._broken = texts[len(found.firsts) :]
        self._firsts = firsts
        padded = b"".join(chain.from_iterable([(text, _PADS[len(text) % SHIFTS]) for text in texts]))
        sizes = np.fromiter(map(len, texts), np.int64, len(texts))
        self._ends = np.cumsum(sizes + SHIFTS + -sizes % SHIFTS)
        self._text = padded.translate(_STANDARD)

    def decoded(self) -> bytes:
        """All sections."""
        text = self._text
        if not text:
            return b""
        return b"".join(a2b_base64(text[shift:] + b"A" * shift) for shift in range(SHIFTS))

    @property
    def section(self) -> int:
        """The bytes of one section."""
        return len(self._text) // 4 * 3

    def broken_hex(self) -> Iterator[tuple[bytes, Sequence[int]]]:
        """What hex over several lines decodes to, with where each byte stood."""
        first = len(self._firsts) - len(self._broken)
        for number, text in enumerate(self._broken, first):
            if _HEX.fullmatch(text):
                for begin in range(2):
                    stop = begin + (len(text) - begin) // 2 * 2
                    places = [self._origin(number, at) for at in range(begin, stop, 2)]
                    end = self._origin(number, stop - 1) + 1
                    yield bytes.fromhex(text[begin:stop].decode()), [*places, end]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where decoded()[first:last] stood in the text."""
        shift, inside = divmod(first, self.section)
        begin, end = inside // 3 * 4, -(-(last - shift * self.section) // 3) * 4
        number = int(np.searchsorted(self._ends, begin, "right"))
        skipped = (int(self._ends[number - 1]) if number else 0) - shift
        return self._origin(number, begin - skipped), self._origin(number, end - skipped - 1) + 1

    def _origin(self, number: int, characters: int) -> int:
        """Where the character of a run stood that comes after so many."""
        line = self._lines.get(number)
        place: int = self._firsts[number] + characters
        return place + characters // line.size * line.gap if line else place


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
    found = encoded.runs(data)
    base64 = Base64(data, found)
    others: list[tuple[bytes, Sequence[int]]] = []
    firsts, ends = found.firsts[found.hexed].tolist(), found.ends[found.hexed].tolist()
    for first, end in zip(firsts, ends, strict=True):
        others += _from_hex(data, first, end)
    others += base64.broken_hex()
    for segment in _SEGMENT.finditer(data) if b"%" in data else ():
        start = _back(data, segment.start(), max(0, segment.start() - _LEAD))
        others.append(escapes.from_url(data[start : min(segment.end(), start + REACH)], start))
    buffer = [base64.decoded()]
    size = len(buffer[0])
    parts = []
    for text, origins in others:
        parts.append(Part(size, origins))
        buffer += text, b"\0"
        size += len(text) + 1
    return Decoded(b"".join(buffer), base64, parts)


def _from_hex(data: bytes, first: int, end: int) -> Iterator[tuple[bytes, Sequence[int]]]:
    for begin in (first, first + 1):
        stop = begin + (end - begin) // 2 * 2
        yield bytes.fromhex(data[begin:stop].decode()), range(begin, stop + 1, 2)


def _back(data: bytes, place: int, low: int) -> int:
    """Where the unescaped text that ends before `place` begins, at the earliest at `low`."""
    while place > low and data[place - 1] in _UNESCAPED:
        place -= 1
    return place
