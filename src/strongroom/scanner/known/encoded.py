"""Finds the runs of a text that may be base64 or hex, all at once.

Plain passes over the bytes, four at a time, leave few stretches; these are looked at byte by byte.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHORTEST = 16  # characters that must stand together for an encoded value
REACH = 1 << 20  # bytes of one run over several lines
LINES = 64, 76  # characters of a line that another may follow
HEX = 2, 4  # digits with small letters, with capitals
_ENCODING = 1
_QUAD = 4
_LOWEST, _RANGE = 43, 80  # from `+`, the first byte of any encoding, to `z`
_ALL_FOUR = 0x01010101
_LINES = re.compile(rb"(?:[A-Za-z0-9+/_-]{64,76}\r?\n)*[A-Za-z0-9+/_-]*")
_NEWLINE, _RETURN = b"\n\r"


def _classes() -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    for byte in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-":
        table[byte] = _ENCODING
    for kind, digits in zip(HEX, (b"0123456789abcdef", b"0123456789ABCDEF"), strict=True):
        for byte in digits:
            table[byte] |= kind
    return table


_CLASSES = _classes()


class Runs(NamedTuple):
    """Runs by (first, end), ascending; `hexed` are those that are hex, `lines` those of several lines."""

    firsts: NDArray[np.int64]
    ends: NDArray[np.int64]
    hexed: NDArray[np.bool_]
    lines: list[tuple[int, int]]


_NONE = Runs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_), [])


def runs(data: bytes) -> Runs:
    """Every run of at least SHORTEST characters in which digits or capitals stand."""
    firsts, ends = _stretches(data)
    if not len(firsts):
        return _NONE
    joined = b"\n".join([data[a:b] for a, b in zip(firsts.tolist(), ends.tolist(), strict=True)])
    classes = _CLASSES[np.frombuffer(joined, np.uint8)]
    begins, stops = _bounds(classes != 0)
    long = stops - begins >= SHORTEST
    begins, stops = begins[long], stops[long]
    if not len(begins):
        return _NONE
    bounds = np.stack((begins, stops), 1).ravel()
    common = np.bitwise_and.reduceat(np.append(classes, np.uint8(0)), bounds)[::2]
    offsets = np.concatenate(([0], np.cumsum(ends - firsts + 1)[:-1]))  # of stretches in `joined`
    number = np.searchsorted(offsets, begins, "right") - 1
    moved = firsts[number] - offsets[number]
    return _with_lines(data, begins + moved, stops + moved, (common & sum(HEX)) != 0)


def marked(text: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which bytes are digits or capitals."""
    found: NDArray[np.bool_] = np.subtract(text, 48) < 10  # smaller bytes wrap around
    found |= np.subtract(text, 65) < 26
    return found


def _stretches(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stretches that may hold runs: three fours of likely bytes, which sixteen characters have anywhere."""
    quads = len(data) // _QUAD
    if quads < SHORTEST // _QUAD:
        return _NONE.firsts, _NONE.ends
    text = np.frombuffer(data, np.uint8, quads * _QUAD)
    whole = (np.subtract(text, _LOWEST) < _RANGE).view(np.uint32) == _ALL_FOUR  # smaller bytes wrap around
    pairs = whole[1:] & whole[:-1]
    whole = pairs[1:] & pairs[:-1]
    some = marked(text).view(np.uint32) != 0
    some = some[1:] | some[:-1]
    found = np.flatnonzero(whole & some[1:] & some[:-1])
    if not len(found):
        return _NONE.firsts, _NONE.ends
    firsts, ends = _bounds(whole)
    nearest = np.minimum(np.searchsorted(found, firsts), len(found) - 1)
    wanted = (found[nearest] >= firsts) & (found[nearest] < ends)
    first = np.maximum(firsts[wanted] * _QUAD - (_QUAD - 1), 0)
    return first, np.minimum((ends[wanted] + 2) * _QUAD + _QUAD - 1, len(data))


def _bounds(there: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each row of what is there begins and ends."""
    edges = np.flatnonzero(there[1:] != there[:-1]) + 1
    first = [0] if there[0] else []
    last = [len(there)] if there[-1] else []
    edges = np.concatenate((np.array(first, np.int64), edges, np.array(last, np.int64)))
    return edges[::2], edges[1::2]


def _with_lines(
    data: bytes, firsts: NDArray[np.int64], ends: NDArray[np.int64], hexed: NDArray[np.bool_]
) -> Runs:
    """The runs, those taken together that are lines of one text."""
    sizes = ends - firsts
    padded = np.frombuffer(data + b"\0\0", np.uint8)
    after = padded[ends]
    broken = (after == _NEWLINE) | ((after == _RETURN) & (padded[ends + 1] == _NEWLINE))
    wrapped = np.flatnonzero((sizes >= LINES[0]) & (sizes <= LINES[1]) & broken)
    if not len(wrapped):
        return Runs(firsts, ends, hexed, [])
    alone = np.ones(len(firsts), np.bool_)
    lines: list[tuple[int, int]] = []
    done = 0
    for at in wrapped.tolist():
        first = int(firsts[at])
        found = _LINES.match(data, first, first + REACH) if first >= done else None
        if found is not None and found.end() > ends[at] + len(b"\r\n"):
            done = found.end()
            lines.append((first, done))
            alone[at : np.searchsorted(firsts, done)] = False
    return Runs(firsts[alone], ends[alone], hexed[alone], lines)
