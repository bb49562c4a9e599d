"""The texts that one text holds: itself, and what is encoded in it."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from strongroom.scanner.known import encoded, escapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from strongroom.scanner.known.search import Filter
    from strongroom.scanner.known.survey import Survey

    Places = list[tuple[int, int]]  # where a window may stand, and the first row with its hash

BETWEEN = b"\0\0"
_NONE = np.zeros(0, np.int64)


class Readable(Protocol):
    """A text that was decoded from another, wholly or in part."""

    @property
    def text(self) -> bytes:
        """What can be read."""
        ...

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where text[first:last] stood in the other."""
        ...

    def whole(self, at: int) -> Readable:
        """All that was encoded together with text[at]."""
        ...

    def has(self, part: Readable, at: int) -> bool:
        """Whether this, a whole, is that of part.text[at]."""
        ...


class Plain(NamedTuple):
    """A text as it is."""

    text: bytes

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where text[first:last] stands."""
        return first, last

    def whole(self, at: int) -> Plain:
        """The text."""
        return self

    def has(self, part: Readable, at: int) -> bool:
        """Whether it is that text."""
        return part is self


class Joined:
    """Texts one after the other, to be searched at once."""

    def __init__(self, parts: Sequence[Readable]) -> None:
        self.text = BETWEEN.join([part.text for part in parts])
        self._parts = parts
        self._starts = [0, *accumulate(len(part.text) + len(BETWEEN) for part in parts)]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where text[first:last] stood."""
        number = bisect_right(self._starts, first) - 1
        return self._parts[number].span(first - self._starts[number], last - self._starts[number])

    def wholes(self, places: Places) -> Iterator[Readable]:
        """Yield all that was encoded together with a window at any of `places`, ascending; each once."""
        last: Readable | None = None
        for at, _ in places:
            number = bisect_right(self._starts, at) - 1
            part, inner = self._parts[number], at - self._starts[number]
            if last is None or not last.has(part, inner):
                last = part.whole(inner)
                yield last


class Look(NamedTuple):
    """What a closer look at a text is worth for."""

    places: Places
    base64: NDArray[np.int64]
    hexed: NDArray[np.int64]
    lines: NDArray[np.int64]


def look(text: bytes, survey: Survey, filter: Filter) -> Look:
    """Look all over a text, a piece at a time."""
    places: Places = []
    marks: tuple[list[NDArray[np.int64]], ...] = [], [], []
    for base, piece, (windows, *others) in survey.pieces(text):
        places += [(base + at, row) for at, row in filter.places(piece, windows)]
        for known, some in zip(marks, others, strict=True):
            if len(some):
                known.append(some + base)
    return Look(places, *map(_together, marks))


def _together(marks: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The marks of all pieces: those where two overlap once."""
    if len(marks) < 2:
        return marks[0] if marks else _NONE
    return np.concatenate([marks[0], *(after[after > before[-1]] for before, after in pairwise(marks))])


def decoded(text: bytes, seen: Look, survey: Survey, filter: Filter) -> list[Readable]:
    """What stands encoded in a text that was looked at, as far as it prints."""
    found: list[Readable] = [*escapes.from_url(text)]
    if len(seen.base64) or len(seen.hexed):
        found += encoded.near(encoded.Written(text), seen.base64, seen.hexed)
    lines = list(encoded.wrapped(text, seen.lines.tolist())) if len(seen.lines) else []
    inner = look(BETWEEN.join([written.text for written in lines]), survey, filter) if lines else seen
    begin = 0
    for written in lines:
        end = begin + len(written.text)
        found += encoded.near(written, *(_within(marks, begin, end) for marks in (inner.base64, inner.hexed)))
        begin = end + len(BETWEEN)
    return found


def _within(marks: NDArray[np.int64], begin: int, end: int) -> NDArray[np.int64]:
    first, last = np.searchsorted(marks, (begin, end))
    return marks[first:last] - begin
