"""Shamir's secret sharing over GF(2^8), byte-compatible with Vault's.

No look-up tables and no branches on secret bytes (CVE-2023-25000): all bytes of a
secret are multiplied side by side as lanes of one integer, shift by shift.
Source: Shamir, "How to share a secret", 1979; the field is that of AES (FIPS 197 §4).
"""

from collections.abc import Sequence
from random import SystemRandom

from strongroom.crypto.random import random_bytes
from strongroom.errors import InvalidRequest

MAX_SHARES = 255
_REDUCTION = 0x1B


def split(secret: bytes, shares: int, threshold: int) -> list[bytes]:
    """Split `secret` so that any `threshold` of the `shares` rebuild it.

    A share is len(secret) + 1 bytes: the values, then the x coordinate (1 to 255).
    Raises InvalidRequest unless 2 <= threshold <= shares <= 255 and the secret is not empty.
    """
    if not 2 <= threshold <= shares <= MAX_SHARES:
        raise InvalidRequest("sharing needs 2 <= threshold <= shares <= 255")
    if not secret:
        raise InvalidRequest("an empty secret cannot be shared")
    size = len(secret)
    coefficients = [int.from_bytes(random_bytes(size)) for _ in range(threshold - 1)]
    coefficients.append(int.from_bytes(secret))
    coordinates = SystemRandom().sample(range(1, MAX_SHARES + 1), shares)
    return [_evaluate(coefficients, x, size).to_bytes(size) + bytes([x]) for x in coordinates]


def combine(shares: Sequence[bytes]) -> bytes:
    """Rebuild a secret from at least its threshold of shares.

    Too few shares, or a wrong one, give another secret without notice: what the secret opens must tell.
    Raises InvalidRequest for shares that cannot belong together.
    """
    size = len(shares[0]) - 1 if shares else 0
    if len(shares) < 2 or size < 1 or any(len(share) != size + 1 for share in shares):
        raise InvalidRequest("combining needs at least two shares of one length")
    coordinates = [share[-1] for share in shares]
    if 0 in coordinates or len(set(coordinates)) != len(coordinates):
        raise InvalidRequest("combining needs shares that differ")
    secret = 0
    for share in shares:
        values = int.from_bytes(share[:-1])
        secret ^= _multiply(values, _weight(share[-1], coordinates), size)
    return secret.to_bytes(size)


def _evaluate(coefficients: Sequence[int], x: int, size: int) -> int:
    """Horner's rule, highest coefficient first, for every byte of the secret at once."""
    value = 0
    for coefficient in coefficients:
        value = _multiply(value, x, size) ^ coefficient
    return value


def _weight(x: int, coordinates: Sequence[int]) -> int:
    """Lagrange's basis polynomial of the share at `x`, evaluated at zero."""
    weight = 1
    for other in coordinates:
        if other != x:
            weight = _multiply(weight, _multiply(other, _inverse(other ^ x), 1), 1)
    return weight


def _inverse(value: int) -> int:
    """value^254, which is 1/value because the multiplicative group has 255 elements."""
    result = 1
    for _ in range(7):
        value = _multiply(value, value, 1)
        result = _multiply(result, value, 1)
    return result


def _multiply(lanes: int, scalar: int, size: int) -> int:
    """Multiply each of the `size` bytes in `lanes` by the byte `scalar`."""
    ones = int.from_bytes(b"\x01" * size)
    product = 0
    for bit in range(8):
        product ^= lanes * (scalar >> bit & 1)
        carries = lanes >> 7 & ones
        lanes = (lanes & ones * 0x7F) << 1 ^ carries * _REDUCTION
    return product
