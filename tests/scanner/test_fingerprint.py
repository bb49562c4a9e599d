"""Fingerprints name a secret and do not tell it (docs/adr/0004-fingerprints.md)."""

from pathlib import Path

import pytest

from strongroom.errors import InvalidRequest
from strongroom.scanner.fingerprint import PUBLIC_KEY, fingerprint, read_key

LONG = b"a-secret-that-is-long-enough-to-be-random"


def test_the_values_never_change() -> None:
    """Suppressions in people's repositories depend on them."""
    assert fingerprint(LONG) == "f45ce6028f7946279f01209abeae535a"
    assert fingerprint(b"hunter2") == "ce36e32ca4d0d132160b6d8185126600"


def test_another_secret_or_another_key_gives_another_fingerprint() -> None:
    prints = {
        fingerprint(s, k) for s in (LONG, LONG + b"x", b"short", b"shorT") for k in (PUBLIC_KEY, b"k" * 32)
    }
    assert len(prints) == 8


def test_white_space_around_a_secret_does_not_count() -> None:
    assert fingerprint(b" hunter2\n") == fingerprint(b"hunter2")


def test_a_key_file_is_hex_or_bytes(tmp_path: Path) -> None:
    (tmp_path / "hex").write_text("ab" * 32 + "\n")
    (tmp_path / "raw").write_bytes(b"\xab" * 32)
    assert read_key(str(tmp_path / "hex")) == read_key(str(tmp_path / "raw")) == b"\xab" * 32
    (tmp_path / "short").write_text("ab" * 31)
    for name in ("short", "missing"):
        with pytest.raises(InvalidRequest, match=name):
            read_key(str(tmp_path / name))
