"""What a git delta copies from its base: text that was scanned there need not be scanned again.

Source: git's `gitformat-pack`, "Deltified representation".
"""

from __future__ import annotations

LEAST = 800  # bytes of a copy that are worth remembering
SMALL = 8  # a delta this many times smaller than what it makes is worth reading

# By the code of a copy: by how many bits each byte behind it is shifted. The first four make
# the offset, the others the length above it; a byte that is left out is zero.
_SHIFTS = tuple(tuple(8 * bit for bit in range(7) if code >> bit & 1) for code in range(128))
_OFFSET = 0xFFFFFFFF


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
        value = 0
        for shift in _SHIFTS[code - 128]:
            value |= delta[at] << shift
            at += 1
        length = value >> 32 or 0x10000
        if length >= LEAST:
            begin = value & _OFFSET
            if found and (last := found[-1])[0] + last[2] == place and last[1] + last[2] == begin:
                found[-1] = (last[0], last[1], last[2] + length)
            else:
                found.append((place, begin, length))
        place += length
    return found


def _number_end(delta: bytes, at: int) -> int:
    while delta[at] & 128:
        at += 1
    return at + 1
