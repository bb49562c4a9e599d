"""XAES-256-GCM: AES-256-GCM with 192-bit random nonces, so no counter must survive a crash.

A nonce's first half derives an AES key (the CMAC-based KDF of NIST SP 800-108r1 in
two block operations), its second half is the GCM nonce under that key. The first half
is drawn anew for every 256 entries, the second for each: 2^57 entries may be encrypted
under one key before a collision is likelier than 2^-32.
Source: https://c2sp.org/XAES-256-GCM, over the AES of `cryptography`.
"""

from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from strongroom.errors import IntegrityFailure

KEY_BYTES = 32
NONCE_BYTES = 24
TAG_BYTES = 16
_HALF = 12
_REMEMBERED = 2048
_SEALED_ALIKE = 256  # ADR 0003: deriving a key costs more than sealing an entry under it
_LABELS = b"\x00\x01X\x00", b"\x00\x02X\x00"


class XAES:
    """Seals and opens under one 256-bit key."""

    __slots__ = ("_ciphers", "_left", "_mask", "_sealing", "_update")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("an XAES-256-GCM key has 32 bytes")
        # ECB over two blocks is the raw block function the KDF is defined by; no data goes through it.
        self._update = Cipher(AES(key), ECB()).encryptor().update  # noqa: S305
        subkey = _doubled(self._update(bytes(16)))
        left, right = (int.from_bytes(label + bytes(_HALF)) ^ int.from_bytes(subkey) for label in _LABELS)
        self._mask = left << 128 | right
        self._ciphers: dict[bytes, AESGCM] = {}
        self._sealing: tuple[bytes, AESGCM] | None = None
        self._left = 0

    def seal(self, plaintext: bytes, associated: bytes) -> bytes:
        """Return nonce · ciphertext · tag; the nonce is randomness and never the caller's."""
        sealing = self._sealing
        if sealing is None or self._left <= 0:
            half = urandom(_HALF)
            sealing = self._sealing = half, self._remembered(half)
            self._left = _SEALED_ALIKE
        self._left -= 1
        half, cipher = sealing
        own = urandom(_HALF)
        return b"%b%b%b" % (half, own, cipher.encrypt(own, plaintext, associated))

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """Undo `seal`. Raises IntegrityFailure when a bit of either argument differs."""
        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            raise IntegrityFailure("a sealed entry is too short")
        try:
            cipher = self._remembered(sealed[:_HALF])
            return cipher.decrypt(sealed[_HALF:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
        except InvalidTag:
            raise IntegrityFailure("a sealed entry does not authenticate") from None

    def _remembered(self, half: bytes) -> AESGCM:
        """The cipher of an entry opened lately: most of opening is deriving its key."""
        cipher = self._ciphers.get(half)
        if cipher is None:
            if len(self._ciphers) >= _REMEMBERED:
                self._ciphers.clear()
            cipher = self._ciphers[half] = self._derived(half)
        return cipher

    def _derived(self, nonce: bytes) -> AESGCM:
        half = int.from_bytes(nonce[:_HALF])
        blocks = self._mask ^ (half << 128 | half)
        return AESGCM(self._update(blocks.to_bytes(32)))


def _doubled(block: bytes) -> bytes:
    """Multiply by x in GF(2^128), the CMAC subkey step (NIST SP 800-38B §6.1)."""
    value = int.from_bytes(block)
    carry = value >> 127
    return ((value << 1) & (2**128 - 1) ^ carry * 0b10000111).to_bytes(16)
