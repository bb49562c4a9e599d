"""The blinded exchange: the server evaluates its key on a point and learns neither window nor answer.

An oblivious function on P-256 by x-coordinates alone. The client hashes a window to a
point P and sends x(rP); the server answers x(k·rP); the client takes r off: x(kP). With
x-coordinates both signs of a point are one, so the Diffie-Hellman step does for all three.
Source: the 2HashDH construction (Jarecki, Kiayias, Krawczyk 2014); point by trial, as in RFC 9380's history.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FIELD = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
POINT_BYTES = 32
TAG_BYTES = 8
PROOF_BYTES = 16
CHECK_BYTES = 16
_DOMAIN = b"strongroom window to P-256, version 1"


class Blinded(NamedTuple):
    """A window's blinded point, and what takes the blind off."""

    point: bytes
    inverse: int


def point(x: bytes) -> ec.EllipticCurvePublicKey:
    """The point with this x-coordinate. Raises ValueError when there is none."""
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, b"\x02" + x)


def hashed(window: bytes) -> ec.EllipticCurvePublicKey:
    """A window as a point whose logarithm nobody knows."""
    for counter in range(256):
        digest = hashlib.sha512(b"%b\0%c%b" % (_DOMAIN, counter, window)).digest()
        try:
            return point((int.from_bytes(digest, "big") % FIELD).to_bytes(POINT_BYTES, "big"))
        except ValueError:  # half of all numbers are no x-coordinate
            continue
    raise AssertionError("no point in 256 trials: one chance in 2^256")


def multiplied(scalar: ec.EllipticCurvePrivateKey, at: ec.EllipticCurvePublicKey) -> bytes:
    """The x-coordinate of scalar · point."""
    return scalar.exchange(ec.ECDH(), at)


def scalar(number: int) -> ec.EllipticCurvePrivateKey:
    """A number below ORDER, ready to multiply with."""
    return ec.derive_private_key(number, CURVE)


def blind(window: bytes) -> Blinded:
    """Hide a window under a fresh random factor."""
    factor = 1 + secrets.randbelow(ORDER - 1)
    return Blinded(multiplied(scalar(factor), hashed(window)), pow(factor, -1, ORDER))


def unblind(blinded: Blinded, answer: bytes) -> bytes:
    """What the server's key makes of the window."""
    return multiplied(scalar(blinded.inverse), point(answer))


def tag(evaluated: bytes) -> bytes:
    """The public name of an evaluated window: it is in the filter."""
    return hmac.digest(evaluated, b"tag", "sha256")[:TAG_BYTES]


def proof(evaluated: bytes) -> bytes:
    """Shows the server that a window was evaluated; the filter does not hold it."""
    return hmac.digest(evaluated, b"proof", "sha256")[:PROOF_BYTES]


def check(evaluated: bytes, value: bytes) -> bytes:
    """Proves a whole value to who knows the evaluated window of it."""
    return hmac.digest(evaluated, b"check\0" + value, "sha256")[:CHECK_BYTES]


def holding(evaluated: bytes, value: bytes) -> bytes:
    """Proves to the server that a whole value was found; the server never gives it out."""
    return hmac.digest(evaluated, b"holding\0" + value, "sha256")[:PROOF_BYTES]
