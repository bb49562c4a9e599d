"""Digests against published vectors, and forgetting."""

from strongroom.crypto.mac import equal, hmac_sha256, sha256
from strongroom.crypto.random import random_bytes, wipe


def test_sha256_of_abc() -> None:
    """FIPS 180-4 example."""
    assert sha256(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_hmac_of_rfc_4231_case_2() -> None:
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_sha256(b"Jefe", b"what do ya want for nothing?").hex() == expected


def test_equal_compares_bytes() -> None:
    assert equal(b"same", b"same")
    assert not equal(b"same", b"sama")
    assert not equal(b"same", b"sam")


def test_wipe_leaves_zeros_in_place() -> None:
    secret = bytearray(random_bytes(32))
    alias = memoryview(secret)
    wipe(secret)
    assert bytes(alias) == bytes(32)
