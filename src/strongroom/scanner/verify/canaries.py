"""Traps: credentials planted so that their use is noticed. They are told apart without a call.

An AWS key ID holds its account number (Be'ery, "A short note on AWS KEY ID"), and
known canary accounts and marks are listed in data/canaries.toml.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from strongroom.scanner.finding import Occurrence

_KEY_ID = re.compile(r"(?:AKIA|ASIA)[A-Z2-7]{16}")
_FILE = Path(__file__).parent.parent / "data" / "canaries.toml"


class Canaries(NamedTuple):
    """Accounts (number to owner) and marks (text to owner, lower case)."""

    accounts: dict[str, str]
    marks: dict[str, str]


@cache
def known() -> Canaries:
    """The list that comes with the product."""
    import tomllib  # noqa: PLC0415 (for live checks only)

    document = tomllib.loads(_FILE.read_text("utf-8"))
    return Canaries(
        {number: entry["owner"] for entry in document["aws_account"] for number in entry["numbers"]},
        {text: entry["owner"] for entry in document["mark"] for text in entry["texts"]},
    )


def account(key_id: str) -> str:
    """The AWS account number in a key ID, 12 digits; "" where it holds none.

    Only IDs made since 2019 hold it, and nothing tells the older ones apart.
    """
    if not _KEY_ID.fullmatch(key_id):
        return ""
    number = int.from_bytes(base64.b32decode(key_id[4:])[:6], "big")
    return f"{(number & 0x7FFFFFFFFF80) >> 7:012d}"


def owner(texts: Iterable[str], places: Sequence[Occurrence]) -> str:
    """Who planted it, by the credential's own `texts` and the lines it stands in; "" for no known trap."""
    listed = known()
    for text in texts:
        if found := listed.accounts.get(account(text)):
            return found
    lines = [text.lower() for text in texts]
    lines += [place.excerpt.decode("utf-8", "replace").lower() for place in places[:20]]
    return next((who for mark, who in listed.marks.items() for line in lines if mark in line), "")
