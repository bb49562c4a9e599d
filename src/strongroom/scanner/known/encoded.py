"""Decodes base64 and hex: what stands around marks, and the whole of a run once a window is in it."""

from __future__ import annotations

import re
from binascii import a2b_base64
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from strongroom.scanner.known.survey import LONG_LINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from strongroom.scanner.known.texts import Readable

REACH = 1 << 20  # characters of one run to either side, and of one text over several lines
LINES = 64, 76  # characters of a line that another may follow
_MARGIN = 16  # characters around a mark that may belong to what it marks
_SHIFTS = 4  # places in a group of four characters at which base64 may begin
_FILL = b"A" * _SHIFTS  # decodes to zeros
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
_HEX = b"0123456789abcdefABCDEF"
_BREAK = re.compile(rb"\r?\n")
_WRAPPED = re.compile(rb"(?:[A-Za-z0-9+/_-]{64,76}\r?\n)*[A-Za-z0-9+/_-]*")


def _only(characters: bytes, others: bytes) -> bytes:
    """A table that keeps `characters`, takes `-` and `_` for `+` and `/`, and any other for `others`."""
    table = bytearray(others * 256)
    for character in characters:
        table[character] = character
    table[ord("-")], table[ord("_")] = b"+/" if characters == _BASE64 else others * 2
    return bytes(table)


_STANDARD, _DIGITS = _only(_BASE64, b"A"), _only(_HEX, b"0")


class Written(NamedTuple):
    """Encoded text that begins at `first`; it was in lines of `size`, with `gap` more for each line's end."""

    text: bytes
    first: int = 0
    size: int = 0
    gap: int = 0

    def place(self, at: int) -> int:
        """Where a character of it stands."""
        return self.first + at + (at // self.size * self.gap if self.size else 0)


class Part(NamedTuple):
    """What characters of `written` from `first` on decode to: bytes of two hex digits, or of base64."""

    text: bytes
    written: Written
    first: int
    hexed: bool

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where text[first:last] stands."""
        bits = 4 if self.hexed else 6
        begin, end = self.first + first * 8 // bits, self.first - -last * 8 // bits
        return self.written.place(begin), self.written.place(end - 1) + 1

    @property
    def _alphabet(self) -> tuple[bytes, int]:
        """The characters of its encoding, and how many stand for whole bytes."""
        return (_HEX, 2) if self.hexed else (_BASE64, _SHIFTS)

    def _written_at(self, at: int) -> int:
        return self.first + at * 8 // (4 if self.hexed else 6)

    def has(self, part: Readable, at: int) -> bool:
        """Whether this, a whole run, is all around part.text[at], or more than a value may be."""
        alphabet, step = self._alphabet
        if not isinstance(part, Part) or part.written is not self.written or part.hexed != self.hexed:
            return False
        middle, end = part._written_at(at), self._written_at(len(self.text))
        if (part.first - self.first) % step or not self.first <= middle < end:
            return False
        around_end = self.written.text[end - _SHIFTS : end + _SHIFTS]
        ends = len(around_end) < 2 * _SHIFTS or around_end.translate(None, alphabet) != b""
        return ends or end - middle >= REACH // 2

    def whole(self, at: int) -> Part:
        """The whole run around text[at]."""
        text, (alphabet, step) = self.written.text, self._alphabet
        middle = self._written_at(at)
        before = text[max(0, middle - REACH) : middle]
        behind = text[middle : middle + REACH]
        low = middle - (len(before) - len(before.rstrip(alphabet)))
        end = middle + len(behind) - len(behind.lstrip(alphabet))
        first = low + (self.first - low) % step
        return _decoded(self.written, first, end, hexed=self.hexed)


def near(written: Written, base64: NDArray[np.int64], hexed: NDArray[np.int64]) -> list[Part]:
    """What stands around marks, decoded."""
    size = len(written.text)
    found = [_decoded(written, a, min(b, size), hexed=False) for a, b in _regions(base64, _SHIFTS)]
    return found + [_decoded(written, a, min(b, size), hexed=True) for a, b in _regions(hexed, 2)]


def wrapped(text: bytes, ends: Iterable[int]) -> Iterator[Written]:
    """Encoded texts over several lines, of which one ends within eight bytes behind one of `ends`."""
    done = 0
    for near_end in ends:
        newline = text.find(b"\n", near_end, near_end + 10) if near_end >= done else -1
        stop = newline - (text[newline - 1 : newline] == b"\r")
        if newline < 0 or text[max(0, stop - LONG_LINE) : stop].translate(None, _BASE64):
            continue
        line = text[max(0, stop - LINES[1] - 1) : stop]
        first = stop - (len(line) - len(line.rstrip(_BASE64)))
        found = _WRAPPED.match(text, first, first + REACH) if LINES[0] <= stop - first <= LINES[1] else None
        if found is not None and found.end() > newline + 1:
            done = found.end()
            yield Written(_BREAK.sub(b"", found[0]), first, stop - first, newline + 1 - stop)


def _regions(marks: NDArray[np.int64], step: int) -> Iterator[tuple[int, int]]:
    """(first, end) around marks that lie near each other, a whole number of steps apart."""
    for phase in range(step if len(marks) else 0):
        own = marks[marks % step == phase]
        apart = np.flatnonzero(np.diff(own, prepend=-REACH) > 2 * _MARGIN)
        lasts = own[np.append(apart[1:], len(own)) - 1] if len(own) else own
        for begin, last in zip(own[apart].tolist(), lasts.tolist(), strict=True):
            yield begin - min(_MARGIN, begin // step * step), last + 2 * _MARGIN


def _decoded(written: Written, first: int, end: int, *, hexed: bool) -> Part:
    text = written.text[first:end]
    if hexed:
        even = text[: len(text) // 2 * 2].translate(_DIGITS)
        return Part(bytes.fromhex(even.decode()), written, first, hexed=True)
    return Part(
        a2b_base64(text.translate(_STANDARD) + _FILL[: -len(text) % _SHIFTS]), written, first, hexed=False
    )
