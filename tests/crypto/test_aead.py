"""XAES-256-GCM: the published vectors, and refusal of anything that was touched."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.crypto import aead
from strongroom.crypto.aead import XAES
from strongroom.errors import IntegrityFailure

VECTORS = Path(__file__).parents[1] / "vectors" / "xaes_256_gcm.txt"
LINES = [line.split() for line in VECTORS.read_text().splitlines() if not line.startswith("#")]
SINGLE = [[bytes.fromhex(field.strip("-")) for field in line] for line in LINES if line[0] != "accumulated"]
[(_, ITERATIONS, EXPECTED)] = [line for line in LINES if line[0] == "accumulated"]


def seal_with_nonce(key: bytes, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """The product has no way to choose a nonce; the vectors need one."""
    cipher = XAES(key)._derived(nonce)
    return cipher.encrypt(nonce[12:], plaintext, associated)


@pytest.mark.parametrize(("key", "nonce", "plaintext", "associated", "expected"), SINGLE)
def test_published_vectors(
    key: bytes, nonce: bytes, plaintext: bytes, associated: bytes, expected: bytes
) -> None:
    assert seal_with_nonce(key, nonce, plaintext, associated) == expected
    assert XAES(key).open(nonce + expected, associated) == plaintext


@pytest.mark.slow
def test_accumulated_vectors() -> None:
    count = int(ITERATIONS)
    stream = memoryview(hashlib.shake_128(b"").digest(count * 600))
    digest = hashlib.shake_128()
    at = 0

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return bytes(stream[at - size : at])

    for _ in range(count):
        key, nonce = take(32), take(24)
        plaintext = take(take(1)[0])
        associated = take(take(1)[0])
        digest.update(seal_with_nonce(key, nonce, plaintext, associated))
    assert digest.hexdigest(32) == EXPECTED


@given(plaintext=st.binary(max_size=300), associated=st.binary(max_size=80))
def test_what_is_sealed_opens(plaintext: bytes, associated: bytes) -> None:
    cipher = XAES(b"k" * 32)
    assert cipher.open(cipher.seal(plaintext, associated), associated) == plaintext


def test_any_flipped_bit_is_refused() -> None:
    cipher = XAES(b"k" * 32)
    sealed = cipher.seal(b"plain", b"path")
    for bit in range(len(sealed) * 8):
        damaged = bytearray(sealed)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(IntegrityFailure):
            cipher.open(bytes(damaged), b"path")


def test_another_path_key_or_length_is_refused() -> None:
    cipher = XAES(b"k" * 32)
    sealed = cipher.seal(b"plain", b"path")
    for key, entry, path in (
        (b"k", sealed, b"path2"),
        (b"j", sealed, b"path"),
        (b"k", sealed[:-1], b"path"),
        (b"k", sealed[: aead.NONCE_BYTES], b"path"),
        (b"k", b"", b"path"),
    ):
        with pytest.raises(IntegrityFailure):
            XAES(key * 32).open(entry, path)


def test_nonces_are_fresh() -> None:
    cipher = XAES(b"k" * 32)
    nonces = [cipher.seal(b"", b"")[: aead.NONCE_BYTES] for _ in range(1024)]
    assert len(set(nonces)) == 1024
    assert len({nonce[12:] for nonce in nonces}) == 1024
    firsts = [nonce[:12] for nonce in nonces]
    assert [firsts.count(first) for first in dict.fromkeys(firsts)] == [256] * 4


def test_two_ciphers_under_one_key_share_no_derived_key() -> None:
    first, second = (XAES(b"k" * 32).seal(b"", b"")[:12] for _ in range(2))
    assert first != second


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        XAES(b"short")
