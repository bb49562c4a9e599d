"""Fills a vault with random values, many to a secret."""

import random
import string

from bench.vault.servers import Strongroom

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
A_SECRET = 200


def fill(server: Strongroom, count: int) -> int:
    """Store `count` values and wait until they are indexed; returns how many are searched for."""
    dice = random.Random(17)
    for number in range(count // A_SECRET):
        fields = {f"field{at}": _value(dice) for at in range(A_SECRET)}
        server.call("POST", f"secret/data/app{number}", {"data": fields})
    status = server.call("GET", "inventory/fingerprints")["data"]
    while status["changes_left"]:
        status = server.call("GET", "inventory/fingerprints")["data"]
    server.call("GET", "inventory/fingerprints/filter")
    searchable: int = status["searchable"]
    return searchable


def _value(dice: random.Random) -> str:
    if dice.random() < 0.3:
        return "".join(dice.choices(HEX, k=32))
    return "".join(dice.choices(LETTERS, k=dice.randint(16, 44)))
