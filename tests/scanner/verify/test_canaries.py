"""Planted credentials are told apart without a call."""

import base64

import pytest

from strongroom.scanner.verify import canaries


def _key_id(account: str, prefix: str = "AKIA") -> str:
    """A key ID that holds `account`, made as AWS's are."""
    number = (int(account) << 7) | (1 << 47)
    return prefix + base64.b32encode(number.to_bytes(6, "big") + b"\x01\x02\x03\x04").decode()


def test_a_published_key_id_holds_its_account() -> None:
    assert canaries.account("ASIAY34FZKBOKMUTVV7A") == "609629065308"


@pytest.mark.parametrize(
    "text", ["", "AKIA", "AKIA0000000000000000", "XXXXY34FZKBOKMUTVV7A", "asiay34fzkbokmutvv7a"]
)
def test_what_is_no_key_id_holds_none(text: str) -> None:
    assert canaries.account(text) == ""


@pytest.mark.parametrize("account", sorted(canaries.known().accounts))
def test_each_listed_account_is_known(account: str) -> None:
    assert len(account) == 12
    assert canaries.account(_key_id(account)) == account
    assert canaries.owner([_key_id(account, "ASIA")], ()) == canaries.known().accounts[account]


def test_another_account_is_none() -> None:
    assert canaries.owner([_key_id("123456789012")], ()) == ""


def test_a_mark_in_the_value_is_enough() -> None:
    assert canaries.owner(["https://abc123.canarytokens.com/feedback"], ()) == "canarytokens.org"


def test_marks_are_lower_case() -> None:
    assert all(mark == mark.lower() for mark in canaries.known().marks)
