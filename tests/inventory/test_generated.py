"""Passwords that the server makes are known where they leak: each is drawn again until it is sought."""

from string import ascii_lowercase, ascii_uppercase, digits

import pytest

from strongroom.framework.passwords import DEFAULT, Charset, PasswordPolicy, fit
from strongroom.inventory.anchor import searchable
from tests.remediation.conftest import house
from tests.remediation.house import SECRET, House

__all__ = ["house"]

DRAWS = 20_000
SMALL = f'length = 16\nrule "charset" {{ charset = "{ascii_lowercase}{digits}" }}'
PIN = f'length = 8\nrule "charset" {{ charset = "{digits}" }}'


def sought(policy: PasswordPolicy, draws: int) -> tuple[int, int]:
    """How many of `draws` passwords are sought, and how many were thrown away for that."""
    judged: dict[str, bool] = {}

    def fits(drawn: str) -> bool:
        judged[drawn] = searchable(drawn)
        return judged[drawn]

    made = [fit(policy, fits) for _ in range(draws)]
    return sum(judged[one] for one in made), len(judged) - draws


@pytest.mark.slow
def test_each_of_twenty_thousand_default_passwords_is_sought() -> None:
    found, thrown_away = sought(DEFAULT, DRAWS)
    assert found == DRAWS
    assert thrown_away


@pytest.mark.parametrize(
    ("length", "characters"),
    [
        (16, ascii_lowercase + digits),
        (12, ascii_lowercase + ascii_uppercase + digits),
        (32, digits + "abcdef"),
        (40, ascii_lowercase + ascii_uppercase + digits + "!$%&/()=?"),
    ],
)
def test_other_policies_make_sought_passwords_too(length: int, characters: str) -> None:
    assert sought(PasswordPolicy(length, (Charset(characters),)), 300)[0] == 300


async def test_a_policys_passwords_are_sought_wherever_they_are_made(house: House) -> None:
    """Of sixteen small letters and digits three in ten are not: forty in a row are no accident."""
    await house.write("sys/policies/password/small", policy=SMALL)
    made = [(await house.read("sys/policies/password/small/generate"))["password"] for _ in range(40)]
    fields = [f"field{number}" for number in range(40)]
    target = {"kind": "generate", "secret": SECRET, "fields": fields, "password_policy": "small"}
    await house.write("rotation/plans/app", target=target, grace=0)
    await house.write("rotation/plans/app/rotate")
    await house.work()
    made += (await house.read("kv/data/app/db"))["data"].values()
    assert len(made) == 80
    assert all(map(searchable, made))


async def test_a_policy_that_makes_guessable_ones_only_still_makes_them(house: House) -> None:
    await house.write("sys/policies/password/pin", policy=PIN)
    assert len((await house.read("sys/policies/password/pin/generate"))["password"]) == 8
