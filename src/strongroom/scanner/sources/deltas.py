"""What a git delta copies from its base: text that was scanned there need not be scanned again.

Source: git's `gitformat-pack`, "Deltified representation".
"""

from __future__ import annotations

LEAST = 1024  # bytes of a copy that are worth remembering
SMALL = 20  # a delta this many times smaller than what it makes is worth reading


def copies(delta: bytes, size: int) -> list[tuple[int, int, int]]:
    """Return the long copies of a delta that makes `size` bytes, as (to, from, length); [] for a large delta.

    Raises IndexError when the delta is cut short.
    """
    if size < SMALL * len(delta):
        return []
    at = _number_end(delta, _number_end(delta, 0))
    end = len(delta)
    found: list[tuple[int, int, int]] = []
    place = 0
    while at < end:
        code = delta[at]
        at += 1
        if code < 128:
            at += code
            place += code
            continue
        begin, at = _read(delta, at, code & 0x0F)
        length, at = _read(delta, at, code >> 4 & 7)
        length = length or 0x10000
        if length >= LEAST:
            if found and (last := found[-1])[0] + last[2] == place and last[1] + last[2] == begin:
                found[-1] = (last[0], last[1], last[2] + length)
            else:
                found.append((place, begin, length))
        place += length
    return found


def _read(delta: bytes, at: int, present: int) -> tuple[int, int]:
    """Read a number whose bytes are there or left out (zero) as the bits of `present` say."""
    value = shift = 0
    while present:
        if present & 1:
            value |= delta[at] << shift
            at += 1
        present >>= 1
        shift += 8
    return value, at


def _number_end(delta: bytes, at: int) -> int:
    while delta[at] & 128:
        at += 1
    return at + 1
