"""A message to one recipient: the session key encrypted to their key, the text under the session key.

Source: RFC 9580 §5.1.1 (PKESK version 3), §5.13.1 (SEIPD version 1), §5.9; RFC 6637 §7, §8 (ECDH).
"""

import hashlib

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from strongroom.crypto.openpgp.keys import CURVE25519_OID, ECDH, PublicKey, Recipient
from strongroom.crypto.openpgp.packets import LITERAL, MDC, PKESK, SEIPD, mpi, packet
from strongroom.crypto.random import random_bytes
from strongroom.errors import InvalidRequest

AES_256, KEY_BYTES, BLOCK_BYTES = 9, 32, 16
_HASHES = {8: "sha256", 9: "sha384", 10: "sha512"}
_KEY_SIZES = {7: 16, 8: 24, 9: 32}
_ANONYMOUS = b"Anonymous Sender    "


def encrypt(to: Recipient, text: bytes) -> bytes:
    """Return the message, binary. Raises InvalidRequest when the key names algorithms that are not taken."""
    session = random_bytes(KEY_BYTES)
    checksum = (sum(session) & 0xFFFF).to_bytes(2)
    secret = bytes([AES_256]) + session + checksum
    hidden = _by_rsa(to.key, secret) if to.key.rsa is not None else _by_curve25519(to.key, secret)
    head = b"\x03" + to.key.fingerprint[-8:] + bytes([to.key.algorithm])
    return packet(PKESK, head + hidden) + packet(SEIPD, b"\x01" + _protected(session, text))


def _by_rsa(key: PublicKey, secret: bytes) -> bytes:
    if key.rsa is None:
        raise TypeError("an RSA key is expected")
    return mpi(int.from_bytes(key.rsa.encrypt(secret, PKCS1v15())))


def _by_curve25519(key: PublicKey, secret: bytes) -> bytes:
    if key.x25519 is None:
        raise TypeError("a Curve25519 key is expected")
    ephemeral = X25519PrivateKey.generate()
    try:
        shared = ephemeral.exchange(key.x25519)
    except ValueError:  # a point of small order: everyone would know the shared secret
        raise InvalidRequest("the OpenPGP key holds numbers that are no key") from None
    missing = 8 - len(secret) % 8
    wrapped = aes_key_wrap(_wrapping_key(key, shared), secret + bytes([missing]) * missing)
    point = b"\x40" + ephemeral.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return mpi(int.from_bytes(point)) + bytes([len(wrapped)]) + wrapped


def _wrapping_key(key: PublicKey, shared: bytes) -> bytes:
    digest, cipher = key.kdf
    if digest not in _HASHES or cipher not in _KEY_SIZES:
        raise InvalidRequest("the OpenPGP key names algorithms that are not supported: SHA-2 and AES")
    named = bytes([len(CURVE25519_OID)]) + CURVE25519_OID
    about = named + bytes([ECDH, 3, 1, digest, cipher]) + _ANONYMOUS + key.fingerprint
    mixed = hashlib.new(_HASHES[digest], b"\x00\x00\x00\x01" + shared + about).digest()
    return mixed[: _KEY_SIZES[cipher]]


def _protected(session: bytes, text: bytes) -> bytes:
    """The text as one literal packet, followed by a hash of everything, in CFB from a zero vector.

    The hash detects changes only because it is encrypted: OpenPGP's construction, which its readers expect.
    """
    start = random_bytes(BLOCK_BYTES)
    literal = packet(LITERAL, b"b" + bytes([0]) + bytes(4) + text)
    clear = start + start[-2:] + literal + bytes([0xC0 | MDC, 20])
    clear += hashlib.sha1(clear, usedforsecurity=False).digest()
    return Cipher(AES(session), CFB(bytes(BLOCK_BYTES))).encryptor().update(clear)
