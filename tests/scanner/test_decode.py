"""Encodings and binaries become text; plain text costs nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.scanner.blob import PRINTABLE, Blob, Provenance
from strongroom.scanner.decode import expand, text, wide_encoding
from strongroom.scanner.limits import Limits


def decoded(data: bytes, name: str = "x") -> list[bytes]:
    return [bytes(b.data) for b in expand(Blob("", data, Provenance(name)), Limits(), pytest.fail)]


@pytest.mark.parametrize(
    "data",
    [b"", b"plain", "ünï".encode(), b"\xef\xbb\xbfmarked", "latin ü".encode("latin-1"), b"%PD", b"\x1f\x8b"],
)
def test_text_passes_as_the_same_object(data: bytes) -> None:
    blob = Blob("", data, Provenance("x"))
    assert next(expand(blob, Limits(), pytest.fail)) is blob


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_encodings_with_and_without_a_mark(encoding: str) -> None:
    body = "password = planted, grüße\r\n" * 20
    (found,) = decoded(body.encode(encoding))
    assert found.decode() == body, "no mark: it would shift the columns of the first line"


def test_a_marked_file_without_a_zero_is_decoded() -> None:
    (found,) = decoded(b"\xff\xfe" + "密码是".encode("utf-16-le"))
    assert "密码是" in found.decode()


def test_binaries_keep_their_offsets() -> None:
    data = b"\x7fELF\x00\x01key=planted\x00\xff\xfeother"
    (found,) = text(Blob("", data, Provenance("x")))
    assert found.binary
    assert found.data == data
    assert data.translate(PRINTABLE) == b"\nELF\n\nkey=planted\n\n\nother"


def test_wide_strings_in_a_binary_are_found() -> None:
    data = random.Random(1).randbytes(800) + "Password=planted".encode("utf-16-le") + b"\1\2\3" * 50
    found = decoded(data)
    assert any(b"Password=planted" in part for part in found[1:])


def test_a_piece_of_a_huge_file_keeps_what_it_owns() -> None:
    body = "0123456789\n" * 400
    data = body.encode("utf-16-le")
    (piece,) = text(Blob("", data, Provenance("x"), offset=1000, own=200, own_end=600))
    assert piece.data[piece.own : piece.own_end].decode() == body[100:300]


@given(st.binary(max_size=600))
def test_any_bytes_are_survived(data: bytes) -> None:
    warnings: list[str] = []
    for name in ("x", "x.tar", "x.ipynb", "x.zip"):
        assert list(expand(Blob("", data, Provenance(name)), Limits(), warnings.append)) is not None


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8))
def test_ascii_in_utf_16_is_told_without_a_mark(body: str) -> None:
    assert wide_encoding(body.encode("utf-16-le")) == "utf-16-le"
    assert wide_encoding(body.encode("utf-16-be")) == "utf-16-be"
