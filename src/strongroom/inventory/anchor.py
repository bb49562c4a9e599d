"""Chooses the window by which a value is sought, or decides that the value must not be in the index."""

from typing import NamedTuple

from strongroom.inventory.strength import strength
from strongroom.scanner.known.windows import WIDTH, starts

SHORTEST, LONGEST = 12, 64 << 10  # bytes
LEAST_BITS = 50.0  # of a whole value
LEAST_WINDOW_BITS = 36.0  # of a window, when so much is left outside of it that it gives nothing away:
LEAST_REST_BITS = 64.0
ALONE_WINDOW_BITS = 44.0  # of a window otherwise
ESCAPED = frozenset(b"\"\\<>&'/`") | frozenset(range(33)) | frozenset(range(127, 256))
ESCAPED_COST = 12.0  # bits that a character costs which JSON, HTML or forms may write differently
NEAR_BEST = 0.9
ENOUGH = 47.0  # bits that a window need not exceed
CONSIDERED = 256  # bytes at the end of a value in which the window is chosen


class Anchor(NamedTuple):
    """The window and where in the value it begins."""

    before: int
    window: bytes


def anchor(value: bytes) -> Anchor | None:
    """The strongest window of a value; None when the value is too short, too long or could be guessed.

    Of nearly equal ones the last: values begin with what many share (`eyJhbGciOi`, `AKIA`).
    """
    whole = strength(value[-CONSIDERED:]) if SHORTEST <= len(value) <= LONGEST else 0.0
    if whole < LEAST_BITS:
        return None
    skipped = max(0, len(value) - CONSIDERED)
    tail = value[skipped:]
    strong: list[tuple[int, float]] = []
    for at in sorted(starts(tail), reverse=True):
        window = tail[at : at + WIDTH]
        bits = strength(window)
        if _hides(bits, whole):
            strong.append((at, bits - ESCAPED_COST * sum(map(ESCAPED.__contains__, window))))
            if strong[-1][1] >= ENOUGH:
                break
    if not strong:
        return None
    best = max(score for _, score in strong)
    at = max(at for at, score in strong if score >= NEAR_BEST * best)
    return Anchor(skipped + at, tail[at : at + WIDTH])


def searchable(value: str) -> bool:
    """Whether a value would be sought."""
    return anchor(value.strip().encode()) is not None


def _hides(bits: float, whole: float) -> bool:
    """Whether knowing all but the key about a window of so many bits does not help to guess the value."""
    if bits >= ALONE_WINDOW_BITS:
        return True
    return bits >= LEAST_WINDOW_BITS and whole - bits >= LEAST_REST_BITS
