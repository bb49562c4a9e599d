"""Shamir: any quorum rebuilds, fewer learn nothing useful, shares of OpenBao combine."""

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.crypto import shamir
from strongroom.crypto.shamir import combine, split
from strongroom.errors import InvalidRequest

VECTORS = Path(__file__).parents[1] / "vectors" / "shamir_openbao.txt"
OPENBAO = [bytes.fromhex(line) for line in VECTORS.read_text().splitlines() if not line.startswith("#")]


def textbook_product(left: int, right: int) -> int:
    """Multiply as polynomials over GF(2), then divide by x^8+x^4+x^3+x+1: another way than the product's."""
    product = 0
    for bit in range(8):
        if right >> bit & 1:
            product ^= left << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11B << (bit - 8)
    return product


def test_field_products_agree_with_the_textbook() -> None:
    for left in range(256):
        for right in range(256):
            assert shamir._multiply(left, right, 1) == textbook_product(left, right)


def test_lanes_do_not_leak_into_each_other() -> None:
    lanes = bytes(range(256))
    for scalar in (0, 1, 2, 0x80, 0xFF):
        expected = bytes(textbook_product(value, scalar) for value in lanes)
        assert shamir._multiply(int.from_bytes(lanes), scalar, 256).to_bytes(256) == expected


def test_inverses_multiply_to_one() -> None:
    assert all(textbook_product(value, shamir._inverse(value)) == 1 for value in range(1, 256))


@given(secret=st.binary(min_size=1, max_size=64), numbers=st.data())
def test_any_quorum_rebuilds(secret: bytes, numbers: st.DataObject) -> None:
    shares = numbers.draw(st.integers(2, 12))
    threshold = numbers.draw(st.integers(2, shares))
    parts = split(secret, shares, threshold)
    quorum = numbers.draw(st.permutations(parts))[:threshold]
    assert combine(quorum) == secret


def test_more_shares_than_the_threshold_rebuild_too() -> None:
    assert combine(split(b"secret", 5, 2)) == b"secret"


def test_fewer_than_the_threshold_give_something_else() -> None:
    secret = bytes(32)
    for pair in combinations(split(secret, 5, 3), 2):
        assert combine(pair) != secret


def test_a_share_is_values_then_a_distinct_coordinate() -> None:
    parts = split(b"x" * 32, 255, 2)
    assert {len(part) for part in parts} == {33}
    assert sorted(part[-1] for part in parts) == list(range(1, 256))


def test_coordinates_come_in_no_fixed_order() -> None:
    assert len({bytes(part[-1] for part in split(b"s", 5, 3)) for _ in range(20)}) > 1


def test_openbao_shares_rebuild_one_key() -> None:
    assert len({combine(quorum) for quorum in combinations(OPENBAO, 3)}) == 1
    assert len(combine(OPENBAO[:3])) == 32


@pytest.mark.parametrize(("shares", "threshold"), [(1, 1), (5, 1), (2, 3), (256, 3), (0, 0)])
def test_impossible_numbers_are_refused(shares: int, threshold: int) -> None:
    with pytest.raises(InvalidRequest):
        split(b"secret", shares, threshold)


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        split(b"", 3, 2)


@pytest.mark.parametrize(
    "parts", [[], [b"ab"], [b"ab", b"abc"], [b"a", b"b"], [b"a\x01", b"b\x01"], [b"a\x01", b"b\x00"]]
)
def test_shares_that_cannot_belong_together_are_refused(parts: list[bytes]) -> None:
    with pytest.raises(InvalidRequest):
        combine(parts)
