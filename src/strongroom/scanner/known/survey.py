"""Marks the few places of a text that are worth a closer look, all at once.

Plain passes over the bytes find where windows may begin, where base64 or hex may stand for
text that prints, and where long lines end. Base64 of printing bytes has no character at
random: of four the first is one of `I-Z` and `a-f`, the others are bound as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from strongroom.scanner.known.windows import FLOOR, WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

PIECE = 1 << 17  # bytes looked at together: what fits the processor's cache
LONG_LINE = 56  # bytes without a space, in whole words, that a line of 64 characters has anywhere
_OVER = 128  # bytes of the next piece that are looked at with each
_SHORTEST = 16  # bytes that are looked at together, at least
_WORD = 8
_LINE_WORDS = LONG_LINE // _WORD
_ALL_TRUE = np.uint64(0x0101010101010101)
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SPREAD = 13  # characters after the first that tell base64 of four groups' beginnings
_QUADS = np.uint64(0x08040201_08040201)  # the roles of eight characters of base64, of hex from either digit
_EIGHT = np.uint64(0x08080808_08080808)
_PAIRS = (np.uint64(0x20102010_20102010), np.uint64(0x10201020_10201020))


def _roles() -> bytes:
    """What a character may be: first to fourth of base64 (1, 2, 4, 8), high and low digit of hex (16, 32)."""
    roles = bytearray(256)
    for number, character in [*enumerate(_BASE64), (62, ord("-")), (63, ord("_"))]:
        first = 8 <= number < 32  # a byte from 0x20 to 0x7f begins with these six bits
        second = 2 <= number & 15 < 8  # two bits of the byte before, four of its own
        third = not number & 2
        roles[character] = first | second << 1 | third << 2 | 8
    for digit in b"0123456789abcdefABCDEF":
        roles[digit] |= 32 | (16 if digit in b"234567" else 0)
    return bytes(roles)


_ROLES = _roles()


class Marks(NamedTuple):
    """Places in a piece, each kind ascending."""

    windows: NDArray[np.int64]  # where a window may begin
    base64: NDArray[np.int64]  # where nine printing bytes may stand in base64
    hex: NDArray[np.int64]  # where eight printing bytes may stand in hex
    lines: NDArray[np.int64]  # within eight bytes behind, a long line ends


class Survey:
    """Looks at texts piece by piece, in memory of its own: for one thread."""

    def __init__(self) -> None:
        self._numbers = np.empty(PIECE + _OVER + _WORD, np.uint8)
        self._flags = [np.empty(PIECE + _OVER + _WORD, np.bool_) for _ in range(6)]

    def pieces(self, text: bytes) -> Iterator[tuple[int, bytes, Marks]]:
        """Yield (where it begins, a piece, its marks). Pieces overlap; a window is marked in one of them."""
        for base in range(0, len(text), PIECE):
            piece = text[base : base + PIECE + _OVER]
            if base + len(piece) == len(text):  # what ends here ends within a word
                piece = piece.ljust(max(_SHORTEST, (len(piece) // _WORD + 1) * _WORD), b"\0")
            yield base, piece, self._marks(piece)

    def _marks(self, piece: bytes) -> Marks:
        text = np.frombuffer(piece, np.uint8)
        size = len(text)
        visible, ten, digits, *spare = (flags[:size] for flags in self._flags)
        self._between(text, b"!", b"~", visible)
        self._between(text, b"0", b"9", digits)
        _in_a_row(visible, spare[0], ten)
        ends = _line_ends(visible)
        return Marks(
            self._windows(text, digits, ten, spare),
            _of_base64(piece, self._base64(text, ten, spare)),
            _of_hex(piece, self._hex(text, digits, spare)),
            _of_lines(piece, ends),
        )

    def _between(self, text: NDArray[np.uint8], low: bytes, high: bytes, out: NDArray[np.bool_]) -> None:
        """Which bytes are in a range of the code."""
        moved = np.subtract(text, low[0], out=self._numbers[: len(text)])  # smaller bytes wrap around
        np.less(moved, high[0] - low[0] + 1, out=out)

    def _windows(
        self,
        text: NDArray[np.uint8],
        digits: NDArray[np.bool_],
        ten: NDArray[np.bool_],
        spare: Sequence[NDArray[np.bool_]],
    ) -> NDArray[np.int64]:
        marked, above, begins = spare
        self._between(text, b"A", b"Z", marked)
        np.logical_or(marked, digits, out=marked)
        np.greater(text, FLOOR, out=above)
        last = len(text) - WIDTH + 1
        np.logical_and(above[:last], marked[1 : last + 1], out=begins[:last])
        np.logical_and(begins[:last], ten[:last], out=begins[:last])
        return begins[: min(last, PIECE)].nonzero()[0]

    def _base64(
        self, text: NDArray[np.uint8], ten: NDArray[np.bool_], spare: Sequence[NDArray[np.bool_]]
    ) -> NDArray[np.int64]:
        """Where four groups in a row may begin, by the first character of each."""
        first, twice, found = spare
        self._between(text, b"I", b"Z", first)
        self._between(text, b"a", b"f", twice)
        np.logical_or(first, twice, out=first)
        np.logical_and(first[:-4], first[4:], out=twice[:-4])
        last = len(text) - _SPREAD
        np.logical_and(twice[:last], twice[8 : last + 8], out=found[:last])
        np.logical_and(found[:last], ten[:last], out=found[:last])
        np.logical_and(found[:last], ten[4 : last + 4], out=found[:last])
        return found[:last].nonzero()[0]

    def _hex(
        self, text: NDArray[np.uint8], digits: NDArray[np.bool_], spare: Sequence[NDArray[np.bool_]]
    ) -> NDArray[np.bool_]:
        """Which characters are hex digits."""
        found = spare[0]
        capitals = np.bitwise_and(text, 0xDF, out=self._numbers[: len(text)])
        self._between(capitals, b"A", b"F", found)
        return np.logical_or(found, digits, out=found)


def _in_a_row(flags: NDArray[np.bool_], spare: NDArray[np.bool_], out: NDArray[np.bool_]) -> None:
    """Where WIDTH flags in a row are set: two, four, eight, ten."""
    np.logical_and(flags[1:], flags[:-1], out=spare[:-1])
    np.logical_and(spare[2:-1], spare[:-3], out=out[:-3])
    np.logical_and(out[4:-3], out[:-7], out=spare[:-7])
    np.logical_and(spare[2:-7], spare[:-9], out=out[:-9])


def _line_ends(visible: NDArray[np.bool_]) -> NDArray[np.int64]:
    words = visible.view(np.uint64) == _ALL_TRUE
    long = words[1:] & words[:-1]
    long = long[2:] & long[:-2]
    long = long[3:] & long[:-3]  # seven in a row
    ends: NDArray[np.int64] = (long[:-1] > words[_LINE_WORDS:]).nonzero()[0]
    return (ends + _LINE_WORDS) * _WORD


def _of_base64(piece: bytes, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those places whose twelve characters all may stand where they do."""
    for offset in (0, _WORD // 2):
        if not len(at):
            break
        at = at[_roles_at(piece, at + offset) & _QUADS == _QUADS]
    return at


def _of_lines(piece: bytes, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those ends before which a line of base64 stands, as far as its first and last characters tell."""
    for before in (_WORD, LONG_LINE):
        if not len(ends):
            break
        ends = ends[_roles_at(piece, ends - before) & _EIGHT == _EIGHT]
    return ends


def _of_hex(piece: bytes, digits: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where two words of hex digits stand, of which every second is the high one of a byte that prints."""
    words = digits.view(np.uint64) == _ALL_TRUE
    at: NDArray[np.int64] = (words[1:] & words[:-1]).nonzero()[0]
    if not len(at):
        return at
    at *= _WORD
    first, second = _roles_at(piece, at), _roles_at(piece, at + _WORD)
    found = [
        at[(first & second & pairs) == pairs] + odd  # of odd ones the first digit is the end of a byte
        for odd, pairs in enumerate(_PAIRS)
    ]
    return np.sort(np.concatenate(found))


def _roles_at(piece: bytes, at: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The roles of the eight characters at each place."""
    return np.frombuffer(words_at(piece, at).tobytes().translate(_ROLES), np.uint64)


def words_at(text: bytes, at: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The eight bytes at each place, as a number."""
    words: NDArray[np.uint64] = np.ndarray((len(text) - _WORD + 1,), "<u8", text, strides=(1,))
    return words[at]
