"""Signed notes: a foreign note opens, ours has the C2SP shape, and no changed one opens."""

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from strongroom.audit.checkpoint import (
    Signer,
    VerifyKey,
    decode64,
    encode64,
    open_checkpoint,
    open_note,
    parse,
)
from strongroom.audit.tree import leaf_hash
from strongroom.errors import IntegrityFailure

# The example of Go's note package, which the C2SP signed-note text grew from.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
NOTE = SIGNER.sign(7, leaf_hash(b"x"))


def test_a_note_signed_by_the_go_implementation_opens() -> None:
    key = VerifyKey.parse(GO_KEY)
    assert str(key) == GO_KEY
    assert open_note(GO_NOTE, [key]).startswith("If you think")


def test_a_checkpoint_has_the_c2sp_shape_and_opens() -> None:
    name = re.escape(SIGNER.key.name)
    assert re.fullmatch(rf"{name}\n7\n[A-Za-z0-9+/]{{43}}=\n\n— {name} [A-Za-z0-9+/]+=*\n", NOTE)
    opened = open_checkpoint(NOTE, [VerifyKey.parse(str(SIGNER.key))])
    assert (opened.origin, opened.size, opened.root) == (SIGNER.key.name, 7, leaf_hash(b"x"))


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(0, 255))
def test_no_changed_byte_is_accepted(at: int, byte: int) -> None:
    raw = NOTE.encode()
    changed = raw[:at] + bytes([byte]) + raw[at + 1 :]
    if changed != raw:
        with pytest.raises((IntegrityFailure, UnicodeDecodeError)):
            open_checkpoint(changed.decode(), [SIGNER.key])


def test_a_signature_of_a_stranger_is_ignored_but_not_enough() -> None:
    stranger = Signer(Ed25519PrivateKey.generate())
    theirs = stranger.sign(7, leaf_hash(b"x")).rpartition("\n\n")[2]
    assert open_checkpoint(NOTE + theirs, [SIGNER.key]).size == 7
    with pytest.raises(IntegrityFailure, match="no signature"):
        open_checkpoint(NOTE, [stranger.key])


def test_only_signature_lines_follow_the_text() -> None:
    with pytest.raises(IntegrityFailure, match="not a signature line"):
        open_checkpoint(NOTE + "- signed by hand\n", [SIGNER.key])


def test_a_checkpoint_of_another_log_is_refused() -> None:
    other = VerifyKey("other", SIGNER.key.public)
    text = f"{SIGNER.key.name}\n7\n{encode64(leaf_hash(b'x'))}\n"
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    note = f"{text}\n— other {encode64(other.hash + private.sign(text.encode()))}\n"
    with pytest.raises(IntegrityFailure, match="another log"):
        open_checkpoint(note, [other])


@pytest.mark.parametrize(
    "vkey",
    ["", "a", "a+b", "a+00000000+AQ==", str(SIGNER.key)[:-1], "x" + str(SIGNER.key), f"{SIGNER.key} x"],
)
def test_a_malformed_key_is_refused(vkey: str) -> None:
    with pytest.raises(IntegrityFailure):
        VerifyKey.parse(vkey)


@pytest.mark.parametrize(
    "note", ["", "a\n", "a\n1\n", "a\n01\nAA==\n", "a\n1\nAA==\n", "\n1\n" + "A" * 43 + "=\n"]
)
def test_a_malformed_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(IntegrityFailure):
        parse(note)


def test_base64_has_one_spelling() -> None:
    assert decode64("YQ==") == b"a"
    for other in ("YR==", "YQ", "YQ==\n", "Y Q==", "é"):
        with pytest.raises(IntegrityFailure):
            decode64(other)
