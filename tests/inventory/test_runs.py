"""Decoded text, and where each piece of it stood."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.scanner.known import runs
from tests.inventory.planted import value


@given(
    before=st.binary(max_size=40),
    lead=st.integers(0, 5),
    secret=st.binary(min_size=12, max_size=120),
    wrapped=st.sampled_from([0, 64, 76]),
    ending=st.sampled_from([b"\n", b"\r\n"]),
)
def test_base64_decodes_to_what_was_there_and_tells_where(
    before: bytes, lead: int, secret: bytes, wrapped: int, ending: bytes
) -> None:
    marked = value("start", 24).encode() + secret
    text = base64.b64encode(b"x" * lead + marked + b"end")
    if wrapped:
        text = ending.join(text[at : at + wrapped] for at in range(0, len(text), wrapped))
    data = before + b" '" + text + b"' after"
    decoded = runs.decode(data)
    first = decoded.buffer.find(marked)
    assert first >= 0
    begin, end = decoded.span(first, first + len(marked))
    stood = data[begin:end].replace(b"\r", b"").replace(b"\n", b"")
    whole = base64.b64encode(b"x" * lead + marked + b"end")
    assert stood in whole
    assert len(stood) - len(marked) * 4 / 3 < 6


@given(secret=st.binary(min_size=12, max_size=60), odd=st.booleans())
def test_hex_decodes_at_either_digit(secret: bytes, odd: bool) -> None:
    secret = b"\x17\xa4" + secret + b"\x01"
    data = b"key: " + (b"a" if odd else b"") + secret.hex().encode() + b"\n"
    decoded = runs.decode(data)
    first = decoded.buffer.rfind(secret)
    assert first >= 0
    begin, end = decoded.span(first, first + len(secret))
    assert bytes.fromhex(data[begin:end].decode()) == secret


@pytest.mark.parametrize(
    "text",
    [b"A1" * 2_000_000, b"%41" * 1_000_000, b"a1B2 " * 800_000, b"Zz9/" * 16 + b"\n", bytes(4_000_000), b"\xff" * 4_000_000],
)  # fmt: skip
def test_hostile_text_takes_no_longer_than_its_length(text: bytes) -> None:
    data = text * max(1, 4_000_000 // len(text))
    began = time.process_time()
    runs.decode(data)
    assert time.process_time() - began < 8


@pytest.mark.parametrize("offset", range(8))
def test_the_shortest_values_are_decoded_wherever_they_begin(offset: int) -> None:
    text = base64.b64encode(b"aB3dE5fG7hJ9")
    assert b"aB3dE5fG7hJ9" in runs.decode(b" " * offset + b'"' + text + b'"').buffer
