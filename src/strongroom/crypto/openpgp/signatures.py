"""A key's signatures on itself: what binds names and subkeys to it, and how long it is good.

Source: RFC 9580 §5.2. Only version 4, and only hashes of SHA-2.
"""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from strongroom.crypto.openpgp.packets import Malformed, Reader

CERTIFICATIONS = frozenset({0x10, 0x11, 0x12, 0x13})
DIRECT, BINDING, REVOKED_KEY, REVOKED_SUBKEY = 0x1F, 0x18, 0x20, 0x28
RSA_KINDS = frozenset({1, 3})
EDDSA = 22
_HASHES: dict[int, hashes.HashAlgorithm] = {8: hashes.SHA256(), 9: hashes.SHA384(), 10: hashes.SHA512()}
_CREATED, _ENDS, _KEY_ENDS, _ISSUER, _FLAGS = 2, 3, 9, 16, 27
# What a critical subpacket may be without making the signature void: known, or harmless here.
_KNOWN = frozenset({2, 3, 4, 6, 7, 9, 11, 16, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30, 33, 34})

Verifier = RSAPublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as read. Times in seconds; 0 where there is none. `flags` None: not said."""

    kind: int
    algorithm: int = 0
    hash: int = 0
    created: int = 0
    lasts: int = 0
    key_lasts: int = 0
    flags: int | None = None
    issuer: bytes = b""
    usable: bool = False
    trailer: bytes = b""
    numbers: tuple[int, ...] = ()

    def holds(self, verifier: Verifier, signed: bytes, now: float) -> bool:
        """Whether it is good at `now` for the bytes signed."""
        algorithm = _HASHES.get(self.hash)
        over = self.lasts and now >= self.created + self.lasts
        if not self.usable or algorithm is None or over:
            return False
        try:
            self._verify(verifier, signed + self.trailer, algorithm)
        except (InvalidSignature, ValueError, OverflowError):
            return False
        return True

    def _verify(self, verifier: Verifier, signed: bytes, algorithm: hashes.HashAlgorithm) -> None:
        if isinstance(verifier, RSAPublicKey):
            (number,) = self.numbers
            verifier.verify(number.to_bytes((verifier.key_size + 7) // 8), signed, PKCS1v15(), algorithm)
        else:
            left, right = self.numbers
            digest = hashlib.new(algorithm.name, signed).digest()
            verifier.verify(left.to_bytes(32) + right.to_bytes(32), digest)


def signature(body: bytes) -> Signature:
    """Read a signature packet; of unknown versions and algorithms the kind only, as it may revoke."""
    reader = Reader(body)
    version, kind, algorithm, digest = reader.take(4)
    if version != 4 or algorithm not in (*RSA_KINDS, EDDSA):
        return Signature(algorithm if version == 3 else kind)
    hashed = _subpackets(reader.take(reader.number(2)))
    head = body[: reader.at]
    unhashed = _subpackets(reader.take(reader.number(2)))
    reader.take(2)
    count = 1 if algorithm in RSA_KINDS else 2
    flags = hashed.members.get(_FLAGS)
    return Signature(
        kind=kind,
        algorithm=algorithm,
        hash=digest,
        created=hashed.number(_CREATED),
        lasts=hashed.number(_ENDS),
        key_lasts=hashed.number(_KEY_ENDS),
        flags=None if flags is None else flags[0] if flags else 0,
        issuer=hashed.members.get(_ISSUER, unhashed.members.get(_ISSUER, b"")),
        usable=not hashed.unknown_critical and _CREATED in hashed.members,
        trailer=head + b"\x04\xff" + len(head).to_bytes(4),
        numbers=tuple(reader.mpi() for _ in range(count)),
    )


@dataclass(frozen=True, slots=True)
class _Subpackets:
    members: dict[int, bytes]
    unknown_critical: bool

    def number(self, kind: int) -> int:
        return int.from_bytes(self.members.get(kind, b"")[:4])


def _subpackets(raw: bytes) -> _Subpackets:
    reader, members, unknown = Reader(raw), dict[int, bytes](), False
    while reader:
        length = reader.number(1)
        if length >= 255:
            length = reader.number(4)
        elif length >= 192:
            length = ((length - 192) << 8) + reader.number(1) + 192
        if not length:
            raise Malformed("the OpenPGP key holds an empty subpacket")
        kind = reader.number(1)
        unknown = unknown or (kind >= 0x80 and kind & 0x7F not in _KNOWN)
        members[kind & 0x7F] = reader.take(length - 1)
    return _Subpackets(members, unknown)
