"""A userpass mount with one user, and hashing that costs little."""

import pytest
from argon2 import PasswordHasher

from strongroom.auth import userpass
from strongroom.auth.userpass import Userpass
from tests.suites.engine import Bench, bench


@pytest.fixture(autouse=True)
def cheap_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least that argon2id does; every path still hashes for real."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(userpass, "NOBODY", cheap.hash("thrown away"))
    monkeypatch.setattr(userpass, "HASHER", cheap)


@pytest.fixture
async def method() -> Bench:
    made = await bench(Userpass(), "auth/userpass/")
    await made.write("users/bob", {"password": "correct", "token_policies": "b,a"})
    return made
