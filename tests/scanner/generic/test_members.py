"""The members of an object are read in one step, as the slow way reads them."""

import random

import pytest

from strongroom.scanner import generic_assign
from strongroom.scanner.generic_language import place_of

PIECES = (
    *(
        b'"password"',
        b'"key"',
        b'"',
        b":",
        b": ",
        b" ",
        b"{",
        b'"value"',
        b"secret",
        b"x7Kd93",
        b"\n",
        b"\\",
        b"=",
    ),
    *(b",", b"[", b"->", b">", b"<", b"'", b'"""', b"\t", b"::", b"$", b"-a.b", b"token.", b'":"', b'": "'),
)


@pytest.mark.parametrize("path", ["a.py", "a.json", "a.yml", "a.xml", "a.robot", "a"])
def test_a_member_is_read_as_any_assignment(path: str) -> None:
    dice, place, seen = random.Random(path), place_of(path), 0
    for _ in range(4000):
        data = b'{"' + b"".join(dice.choices(PIECES, k=dice.randint(2, 14))) + b'"'
        for name in generic_assign._NAME.finditer(data):
            left, right = name.start(), name.start() + len(name[0].rstrip(b"-.$"))
            member = generic_assign._member(data, left, right)
            if member is not None:
                seen += 1
                assert member == generic_assign._read(data, left, right, place)
    assert seen > 50
