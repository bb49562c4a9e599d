"""Generated passwords: a policy says how long they are and which characters they hold.

Source: Vault's password policies (`length` and `rule "charset"`).
"""

import string
from collections.abc import Callable

from msgspec import Struct

from strongroom.crypto.random import random_text
from strongroom.errors import InvalidRequest

SHORTEST, LONGEST = 4, 100
ATTEMPTS = 10_000
DRAWS = 16  # until one is fit; of the default policy's one in seventy is not


class Charset(Struct, frozen=True):
    """Characters to draw from, each once, and how many of them a password holds at least."""

    characters: str
    least: int = 0


class PasswordPolicy(Struct, frozen=True):
    """How passwords are made."""

    length: int
    charsets: tuple[Charset, ...]


DEFAULT = PasswordPolicy(
    20,
    (
        Charset(string.ascii_lowercase, 1),
        Charset(string.ascii_uppercase, 1),
        Charset(string.digits, 1),
        Charset("-", 1),
    ),
)


def checked(policy: PasswordPolicy) -> PasswordPolicy:
    """The policy when passwords can be made by it. Raises InvalidRequest."""
    if not SHORTEST <= policy.length <= LONGEST:
        raise InvalidRequest(f"length must be between {SHORTEST} and {LONGEST}")
    if not policy.charsets or not all(charset.characters for charset in policy.charsets):
        raise InvalidRequest("a password policy needs a rule with a charset")
    if any(not character.isprintable() for charset in policy.charsets for character in charset.characters):
        raise InvalidRequest("a charset holds characters that cannot be printed")
    if any(charset.least < 0 for charset in policy.charsets):
        raise InvalidRequest("min-chars must not be negative")
    if sum(charset.least for charset in policy.charsets) > policy.length:
        raise InvalidRequest("the rules ask for more characters than the password is long")
    return policy


def generate(policy: PasswordPolicy, draw: Callable[[str, int], str] = random_text) -> str:
    """Draw uniformly from all passwords that keep the policy's rules: draw, and draw again until it does.

    Raises InvalidRequest when the rules are so tight that luck does not meet them.
    """
    alphabet = "".join(dict.fromkeys("".join(charset.characters for charset in policy.charsets)))
    for _ in range(ATTEMPTS):
        drawn = draw(alphabet, policy.length)
        if all(_count(drawn, charset) >= charset.least for charset in policy.charsets):
            return drawn
    raise InvalidRequest("the policy's rules are too tight for its length: no password was found")


def fit(policy: PasswordPolicy, fits: Callable[[str], bool]) -> str:
    """Draw until `fits` says so; the last of DRAWS where a policy makes none. Raises InvalidRequest."""
    drawn = generate(policy)
    for _ in range(DRAWS - 1):
        if fits(drawn):
            break
        drawn = generate(policy)
    return drawn


def _count(drawn: str, charset: Charset) -> int:
    return sum(map(charset.characters.__contains__, drawn))
