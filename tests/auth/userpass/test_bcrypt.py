"""Users brought along with the bcrypt hash of their password, as Vault and OpenBao take them."""

import bcrypt
import pytest

from strongroom.auth import userpass
from strongroom.errors import InvalidCredentials, InvalidRequest
from tests.auth.userpass.test_lockout import sign_in
from tests.suites.engine import Bench

HASH = bcrypt.hashpw(b"brought", b"$2b$04$" + b"abcdefghijklmnopqrstuu").decode()


@pytest.mark.parametrize("kind", ["$2a$", "$2b$", "$2y$"])
async def test_a_user_with_a_hash_signs_in(method: Bench, kind: str) -> None:
    await method.write("users/eve", {"password_hash": kind + HASH[4:], "token_policies": "e"})
    assert (await sign_in(method, "eve", "brought")).policies == ("e",)
    for wrong in ("bad", "brought ", "brought\0", "é" * 600):
        with pytest.raises(InvalidCredentials):
            await sign_in(method, "eve", wrong)
    await method.write("users/bob/password", {"password_hash": HASH})
    assert (await sign_in(method, "bob", "brought")).policies == ("a", "b")


@pytest.mark.parametrize(
    "given",
    [
        HASH[:-1],
        HASH + "x",
        "$2x$" + HASH[4:],
        "$2b$03$" + HASH[7:],
        "$2b$31$" + HASH[7:],
        "$2b$04$" + "/" * 53,
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA",
    ],
)
async def test_what_is_no_such_hash_is_refused(method: Bench, given: str) -> None:
    with pytest.raises(InvalidRequest, match="not a valid bcrypt hash") as caught:
        await method.write("users/eve", {"password_hash": given})
    assert given not in str(caught.value)


async def test_one_way_of_giving_a_password_is_enough(method: Bench) -> None:
    with pytest.raises(InvalidRequest, match="only one of"):
        await method.write("users/eve", {"password": "x", "password_hash": HASH})


async def test_every_name_pays_for_both_kinds_once_there_are_bcrypt_hashes(
    method: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await method.write("users/eve", {"password_hash": HASH})
    work: list[str] = []
    argon2, check, make = userpass._verified_argon2, bcrypt.checkpw, bcrypt.hashpw

    def argon2_counted(stored: str, password: str) -> bool:
        work.append("argon2")
        return argon2(stored, password)

    def check_counted(password: bytes, stored: bytes) -> bool:
        work.append(f"bcrypt {stored[4:6].decode()}")
        return check(password, stored)

    def make_counted(password: bytes, salt: bytes) -> bytes:
        work.append(f"bcrypt {salt[4:6].decode()}")
        return make(password, salt)

    monkeypatch.setattr(userpass, "_verified_argon2", argon2_counted)
    monkeypatch.setattr(bcrypt, "checkpw", check_counted)
    monkeypatch.setattr(bcrypt, "hashpw", make_counted)
    for name in ("eve", "bob", "ghost"):
        work.clear()
        with pytest.raises(InvalidCredentials):
            await sign_in(method, name, "wrong")
        assert sorted(work) == ["argon2", "bcrypt 04"], name
