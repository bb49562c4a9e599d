"""A transferable public key: read, checked, and the key in it that messages are encrypted to.

A subkey counts only with the primary key's signature on it: otherwise whoever passes a key on could
put a subkey of their own under another's fingerprint. Source: RFC 9580 §5.5, §10.1, §12.1; RFC 6637 §9.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from strongroom.crypto.openpgp.armor import key_bytes
from strongroom.crypto.openpgp.packets import (
    PUBLIC_KEY,
    PUBLIC_SUBKEY,
    SIGNATURE,
    USER_ID,
    Malformed,
    Packet,
    Reader,
    packets,
)
from strongroom.crypto.openpgp.signatures import (
    BINDING,
    CERTIFICATIONS,
    DIRECT,
    EDDSA,
    REVOKED_KEY,
    REVOKED_SUBKEY,
    RSA_KINDS,
    Signature,
    Verifier,
    signature,
)
from strongroom.errors import InvalidRequest

RSA, RSA_ENCRYPT, ECDH = 1, 2, 18
MIN_RSA_BITS, MAX_RSA_BITS, MAX_EXPONENT = 2048, 8192, 2**32
ED25519_OID = bytes.fromhex("2b06010401da470f01")
CURVE25519_OID = bytes.fromhex("2b060104019755010501")
ENCRYPTS = 0x04 | 0x08
MAX_CHECKS = 64
_SUITABLE = "RSA of 2048 bits or more, or Curve25519"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The material of a key packet. `kdf` is the hash and cipher that ECDH keys name."""

    algorithm: int
    created: int
    body: bytes
    rsa: RSAPublicKey | None = None
    ed25519: Ed25519PublicKey | None = None
    x25519: X25519PublicKey | None = None
    kdf: tuple[int, int] = (0, 0)

    @property
    def framed(self) -> bytes:
        """The key as it is hashed."""
        return b"\x99" + len(self.body).to_bytes(2) + self.body

    @property
    def fingerprint(self) -> bytes:
        """The 20 bytes that name a key of version 4."""
        return hashlib.sha1(self.framed, usedforsecurity=False).digest()

    @property
    def can_encrypt(self) -> bool:
        """Whether its algorithm does, in a kind that is known here."""
        return self.algorithm in (RSA, RSA_ENCRYPT, ECDH) and (self.rsa or self.x25519) is not None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a message is for: the key to encrypt to, and the primary key's fingerprint in hex."""

    key: PublicKey
    fingerprint: str


@dataclass(slots=True)
class _Part:
    """The primary key, a name or a subkey, with the signatures after it."""

    packet: Packet
    signatures: list[Signature] = field(default_factory=list)


def recipient(text: str, now: float) -> Recipient:
    """Read a public key, as base64 or armored. Raises InvalidRequest: what is wrong, never the bytes."""
    try:
        return _chosen(_parts(key_bytes(text)), now)
    except (ValueError, OverflowError, UnsupportedAlgorithm):
        raise Malformed("the OpenPGP key holds numbers that are no key") from None


def _parts(raw: bytes) -> list[_Part]:
    parts: list[_Part] = []
    for packet in packets(raw):
        if packet.tag == SIGNATURE and parts:
            parts[-1].signatures.append(signature(packet.body))
        elif packet.tag == PUBLIC_KEY and parts:
            raise InvalidRequest("there is more than one OpenPGP key: give each alone")
        elif packet.tag in (5, 7):
            raise Malformed("this is a private OpenPGP key: give the public one (gpg --export)")
        else:
            parts.append(_Part(packet))
    if not parts or parts[0].packet.tag != PUBLIC_KEY:
        raise Malformed("these bytes are no OpenPGP public key")
    return parts


def _chosen(parts: list[_Part], now: float) -> Recipient:
    primary = public_key(parts[0].packet.body)
    verifier = primary.ed25519 or primary.rsa
    if verifier is None:
        raise InvalidRequest(f"the OpenPGP key is of a kind that is not supported: {_SUITABLE}")
    if any(made.kind == REVOKED_KEY for made in parts[0].signatures):
        raise InvalidRequest("the OpenPGP key is revoked")
    checker = _Checker(primary, verifier, now)
    own = checker.own(parts)
    if own is None:
        raise InvalidRequest("the OpenPGP key has no valid signature of its own")
    if _expired(primary, own, now):
        raise InvalidRequest("the OpenPGP key has expired")
    fitting = list(checker.fitting(parts))
    if primary.can_encrypt and own.flags is not None and own.flags & ENCRYPTS:
        fitting.append(primary)
    if not fitting:
        raise InvalidRequest(
            f"the OpenPGP key has no encryption key that is valid now and of a supported kind: {_SUITABLE}"
        )
    # The newest; subkeys before the primary key where both are as old.
    best = max(fitting, key=lambda key: (key is not primary, key.created))
    return Recipient(best, primary.fingerprint.hex())


def _expired(key: PublicKey, made: Signature, now: float) -> bool:
    return bool(made.key_lasts) and now >= key.created + made.key_lasts


class _Checker:
    """Checks signatures of one primary key, up to a number that no honest key needs."""

    def __init__(self, primary: PublicKey, verifier: Verifier, now: float) -> None:
        self._primary = primary
        self._verifier = verifier
        self._now = now
        self._left = MAX_CHECKS

    def own(self, parts: list[_Part]) -> Signature | None:
        """The newest signature on the primary key itself or on one of its names."""
        found = [made for made in parts[0].signatures if self._holds(made, {DIRECT}, b"")]
        for part in parts[1:]:
            if part.packet.tag == USER_ID:
                name = b"\xb4" + len(part.packet.body).to_bytes(4) + part.packet.body
                found += [made for made in part.signatures if self._holds(made, CERTIFICATIONS, name)]
        return max(found, key=lambda made: made.created, default=None)

    def fitting(self, parts: list[_Part]) -> Iterable[PublicKey]:
        """The subkeys that messages may be encrypted to."""
        for part in parts:
            revoked = any(made.kind == REVOKED_SUBKEY for made in part.signatures)
            if part.packet.tag != PUBLIC_SUBKEY or part.packet.body[:1] != b"\x04" or revoked:
                continue
            key = public_key(part.packet.body)
            bindings = [made for made in part.signatures if self._holds(made, {BINDING}, key.framed)]
            made = max(bindings, key=lambda made: made.created, default=None)
            if made is None or _expired(key, made, self._now) or not key.can_encrypt:
                continue
            if made.flags is None or made.flags & ENCRYPTS:
                yield key

    def _holds(self, made: Signature, kinds: Iterable[int], rest: bytes) -> bool:
        own = made.issuer in (b"", self._primary.fingerprint[-8:])
        fits = isinstance(self._verifier, RSAPublicKey) == (made.algorithm in RSA_KINDS)
        if made.kind not in kinds or not own or not fits or self._left <= 0:
            return False
        self._left -= 1
        return made.holds(self._verifier, self._primary.framed + rest, self._now)


def public_key(body: bytes) -> PublicKey:
    """Read a key packet of version 4; one of another kind is kept without its material."""
    reader = Reader(body)
    version, created, algorithm = reader.number(1), reader.number(4), reader.number(1)
    if version != 4:
        raise InvalidRequest(f"the OpenPGP key has version {version}: only version 4 is supported")
    if len(body) > 0xFFFF:
        raise Malformed("the OpenPGP key is too long")
    if algorithm in (RSA, RSA_ENCRYPT, 3):
        return PublicKey(algorithm, created, body, rsa=_rsa(reader.mpi(), reader.mpi()))
    if algorithm == EDDSA and reader.take(reader.number(1)) == ED25519_OID:
        key = Ed25519PublicKey.from_public_bytes(reader.point())
        return PublicKey(algorithm, created, body, ed25519=key)
    if algorithm == ECDH and reader.take(reader.number(1)) == CURVE25519_OID:
        point = X25519PublicKey.from_public_bytes(reader.point())
        size, reserved, digest, cipher = reader.take(4)
        if (size, reserved) == (3, 1):
            return PublicKey(algorithm, created, body, x25519=point, kdf=(digest, cipher))
    return PublicKey(algorithm, created, body)


def _rsa(modulus: int, exponent: int) -> RSAPublicKey | None:
    """None for sizes that are not safe, or would take long."""
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS or not 2 < exponent <= MAX_EXPONENT:
        return None
    return RSAPublicNumbers(exponent, modulus).public_key()
