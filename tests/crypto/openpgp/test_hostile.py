"""Keys that are no keys, or not whose they say: each is refused in words, none is taken or crashes."""

import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.crypto.openpgp import encrypt, recipient
from strongroom.crypto.openpgp.armor import BEGIN
from strongroom.crypto.openpgp.packets import PUBLIC_KEY, SIGNATURE, packet
from strongroom.errors import InvalidRequest

from .builder import CREATED, NOW, Builder, subpacket

HONEST = Builder()
BYTES = HONEST.bytes()


def tried(raw: bytes) -> None:
    """Taken and encrypted to, or refused: nothing else."""
    with suppress(InvalidRequest):
        encrypt(recipient(base64.b64encode(raw).decode(), NOW), b"share")


def test_the_honest_key_is_taken() -> None:
    to = recipient(HONEST.text(), NOW)
    assert to.fingerprint == HONEST.fingerprint
    assert encrypt(to, b"share") != encrypt(to, b"share")


@settings(deadline=None, max_examples=300)
@given(at=st.integers(0, len(BYTES) - 1), bit=st.integers(0, 7))
def test_a_changed_bit_is_refused_or_changes_nothing_that_counts(at: int, bit: int) -> None:
    changed = bytearray(BYTES)
    changed[at] ^= 1 << bit
    try:
        to = recipient(base64.b64encode(bytes(changed)).decode(), NOW)
    except InvalidRequest:
        return
    assert to.fingerprint == HONEST.fingerprint
    assert to.key.body == HONEST.subkey


@settings(deadline=None, max_examples=200)
@given(start=st.integers(0, len(BYTES)), end=st.integers(0, len(BYTES)), middle=st.binary(max_size=40))
def test_cut_and_mixed_keys_are_refused_in_words(start: int, end: int, middle: bytes) -> None:
    tried(BYTES[:start] + middle + BYTES[end:])


@settings(deadline=None, max_examples=300)
@given(raw=st.binary(min_size=1, max_size=300))
def test_any_bytes_are_refused_in_words(raw: bytes) -> None:
    tried(raw)
    tried(packet(PUBLIC_KEY, raw))
    tried(BYTES + packet(SIGNATURE, raw))


@settings(deadline=None, max_examples=300)
@given(text=st.text(max_size=200))
def test_any_text_is_refused_in_words(text: str) -> None:
    for each in (text, f"{BEGIN}\n\n{text}"):
        with pytest.raises(InvalidRequest):
            recipient(each, NOW)


def test_a_subkey_under_a_strange_fingerprint_is_refused() -> None:
    mixed = Builder(signer=HONEST.signer, binding_signer=Ed25519PrivateKey.generate())
    assert mixed.fingerprint == HONEST.fingerprint
    with pytest.raises(InvalidRequest, match="no encryption key"):
        recipient(mixed.text(), NOW)


@pytest.mark.parametrize(
    ("bent", "reason"),
    [
        (Builder(subkey_point=bytes(32)), "numbers that are no key"),
        (Builder(kdf=b"\x03\x01\x02\x07"), "SHA-2 and AES"),
        (Builder(kdf=b"\x03\x01\x08\x02"), "SHA-2 and AES"),
        (Builder(kdf=b"\x03\x02\x08\x07"), "no encryption key"),
        (Builder(binding=subpacket(27, b"\x02")), "no encryption key"),
        (Builder(binding=subpacket(9, (500).to_bytes(4))), "no encryption key"),
        (Builder(binding=subpacket(3, (500).to_bytes(4))), "no encryption key"),
        (Builder(binding=subpacket(0x80 | 100, b"")), "no encryption key"),
        (Builder(naming=subpacket(9, (500).to_bytes(4))), "has expired"),
        (Builder(digest=2), "no valid signature"),
        (Builder(subkey_version=3), "no encryption key"),
    ],
)
def test_what_is_not_safe_to_encrypt_to_is_refused(bent: Builder, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        encrypt(recipient(bent.text(), NOW), b"share")


def test_revocations_count_whoever_made_them() -> None:
    stranger = Ed25519PrivateKey.generate()
    subkey = Builder(extra=HONEST.signature(0x28, b"", b"", stranger))
    with pytest.raises(InvalidRequest, match="no encryption key"):
        recipient(subkey.text(), NOW)
    first = packet(PUBLIC_KEY, HONEST.primary)
    revoked = first + HONEST.signature(0x20, b"", b"", stranger) + BYTES[len(first) :]
    with pytest.raises(InvalidRequest, match="revoked"):
        recipient(base64.b64encode(revoked).decode(), NOW)


def test_two_keys_in_one_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="more than one"):
        recipient(base64.b64encode(BYTES + Builder().bytes()).decode(), NOW)


def test_a_thousand_signatures_cost_no_more_than_a_few() -> None:
    forged = b"".join(HONEST.signature(0x18, b"", b"", Ed25519PrivateKey.generate()) for _ in range(900))
    at = BYTES.index(packet(SIGNATURE, b"")[:2], BYTES.index(HONEST.subkey))
    with pytest.raises(InvalidRequest, match="no encryption key"):
        recipient(base64.b64encode(BYTES[:at] + forged + BYTES[at:]).decode(), NOW)


def test_a_key_is_not_good_after_its_end() -> None:
    short = Builder(binding=subpacket(27, b"\x0c") + subpacket(9, (5000).to_bytes(4)))
    recipient(short.text(), CREATED + 4999.0)
    with pytest.raises(InvalidRequest):
        recipient(short.text(), CREATED + 5000.0)


@pytest.mark.parametrize("text", ["keybase:someone", "", " ", "not base64!", "aGVsbG8="])
def test_what_is_no_key_is_said_so(text: str) -> None:
    with pytest.raises(InvalidRequest):
        recipient(text, NOW)
