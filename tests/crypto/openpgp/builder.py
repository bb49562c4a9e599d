"""OpenPGP keys made byte by byte, honest and otherwise. Source: RFC 4880 §5.2, §5.5; RFC 6637 §9."""

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from strongroom.crypto.openpgp.packets import (
    PUBLIC_KEY,
    PUBLIC_SUBKEY,
    SIGNATURE,
    USER_ID,
    mpi,
    packet,
)

CREATED = 1_700_000_000
NOW = CREATED + 1000.0
NAME = b"holder@example.com"
ED25519 = bytes.fromhex("092b06010401da470f01")
CURVE25519 = bytes.fromhex("0a2b060104019755010501")


def point(raw: bytes) -> bytes:
    return mpi(int.from_bytes(b"\x40" + raw))


def raw(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def framed(body: bytes) -> bytes:
    return b"\x99" + len(body).to_bytes(2) + body


def subpacket(kind: int, content: bytes) -> bytes:
    return bytes([len(content) + 1, kind]) + content


@dataclass
class Builder:
    """A key of Ed25519 with a subkey of Curve25519; each member can be bent before `text`."""

    signer: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    subkey_point: bytes = field(default_factory=lambda: raw(X25519PrivateKey.generate()))
    kdf: bytes = b"\x03\x01\x08\x07"
    subkey_version: int = 4
    binding_signer: Ed25519PrivateKey | None = None
    binding: bytes = subpacket(27, b"\x0c")
    naming: bytes = subpacket(27, b"\x03")
    digest: int = 8
    extra: bytes = b""

    @property
    def primary(self) -> bytes:
        return b"\x04" + CREATED.to_bytes(4) + bytes([22]) + ED25519 + point(raw(self.signer))

    @property
    def subkey(self) -> bytes:
        head = bytes([self.subkey_version]) + CREATED.to_bytes(4) + bytes([18])
        return head + CURVE25519 + point(self.subkey_point) + self.kdf

    @property
    def fingerprint(self) -> str:
        return hashlib.sha1(framed(self.primary)).hexdigest()

    def signature(
        self, kind: int, over: bytes, subpackets: bytes, signer: Ed25519PrivateKey | None = None
    ) -> bytes:
        hashed = subpacket(2, CREATED.to_bytes(4)) + subpackets
        head = bytes([4, kind, 22, self.digest]) + len(hashed).to_bytes(2) + hashed
        name = {2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512"}[self.digest]
        signed = framed(self.primary) + over + head + b"\x04\xff" + len(head).to_bytes(4)
        digest = hashlib.new(name, signed).digest()
        made = (signer or self.signer).sign(digest)
        numbers = mpi(int.from_bytes(made[:32])) + mpi(int.from_bytes(made[32:]))
        return packet(SIGNATURE, head + b"\x00\x00" + digest[:2] + numbers)

    def bytes(self) -> bytes:
        name = b"\xb4" + len(NAME).to_bytes(4) + NAME
        return b"".join(
            (
                packet(PUBLIC_KEY, self.primary),
                packet(USER_ID, NAME),
                self.signature(0x13, name, self.naming),
                packet(PUBLIC_SUBKEY, self.subkey),
                self.signature(0x18, framed(self.subkey), self.binding, self.binding_signer),
                self.extra,
            )
        )

    def text(self) -> str:
        return base64.b64encode(self.bytes()).decode()
