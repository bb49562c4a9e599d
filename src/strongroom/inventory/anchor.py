"""Chooses the window by which a value is sought, or decides that the value must not be in the index."""

import re
from typing import NamedTuple

from strongroom.inventory.strength import strength
from strongroom.scanner.known.windows import LEGIBLE, WIDTH, starts

SHORTEST, LONGEST = 12, 64 << 10  # bytes
LEAST_BITS = 50.0  # of a whole value
LEAST_WINDOW_BITS = 36.0  # of a window, when so much is left outside of it that it gives nothing away:
LEAST_REST_BITS = 64.0
ALONE_WINDOW_BITS = 44.0  # of a window otherwise
PLAIN = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~")
ESCAPED_COST = 12.0  # bits that any other character costs: JSON, HTML, URLs or forms may write it differently
HIDDEN_COST = 100.0  # bits that a window costs which is not found in base64 and hex
NEAR = 0.1  # share of the best
ENOUGH = 47.0  # bits that a window need not exceed
CONSIDERED = 256  # bytes at the end of a value in which the window is chosen
_LEGIBLE = re.compile(rb"[ -\x7f]{%d}" % LEGIBLE)


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
            strong.append((at, bits - _cost(tail, at)))
            if strong[-1][1] >= ENOUGH:
                break
    if not strong:
        return None
    best = max(score for _, score in strong)
    at = max(at for at, score in strong if score >= best - NEAR * abs(best))
    return Anchor(skipped + at, tail[at : at + WIDTH])


def _cost(text: bytes, at: int) -> float:
    """Bits that the window at `at` costs for being found in fewer forms."""
    escaped = WIDTH - sum(map(PLAIN.__contains__, text[at : at + WIDTH]))
    spare = LEGIBLE - WIDTH
    hidden = _LEGIBLE.search(text, max(0, at - spare), at + WIDTH + spare) is None
    return ESCAPED_COST * escaped + HIDDEN_COST * hidden


def searchable(value: str) -> bool:
    """Whether a value would be sought."""
    return anchor(value.strip().encode()) is not None


def _hides(bits: float, whole: float) -> bool:
    """Whether knowing all but the key about a window of so many bits does not help to guess the value."""
    if bits >= ALONE_WINDOW_BITS:
        return True
    return bits >= LEAST_WINDOW_BITS and whole - bits >= LEAST_REST_BITS
