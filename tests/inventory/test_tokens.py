"""Tokens of the server are recognised wherever they lie, for as long as they are good."""

import base64

import pytest

from strongroom.core import token_format
from strongroom.framework import Operation
from strongroom.inventory import Reference
from strongroom.scanner.known import tokens
from tests.inventory.scanner import Scanner
from tests.inventory.test_inventory import inventory, token
from tests.system.test_backup import Desk

RULES = 'path "secret/*" { capabilities = ["read"] }'


@pytest.mark.parametrize("form", ["plain", "base64", "hex"])
async def test_a_token_is_found_and_named_by_its_accessor(desk: Desk, form: str) -> None:
    text = (await token(desk, "leaked", RULES)).encode()
    wrote = {"plain": text, "base64": base64.b64encode(b"x" + text), "hex": text.hex().encode()}[form]
    (match,) = await Scanner(desk).finds(b"VAULT_TOKEN=" + wrote + b"\n")
    assert match.detector.id == "strongroom.token"
    assert match.secret == text
    assert desk.house is not None
    (reference,) = await inventory(desk).matches(desk.house.core.barrier.begin(), match.known)
    assert isinstance(reference, Reference)
    assert reference.kind == "token"
    await desk.ask(Operation.WRITE, "auth/token/revoke-accessor", accessor=reference.path)
    assert await Scanner(desk).finds(text) == []
    assert await inventory(desk).matches(desk.house.core.barrier.begin(), match.known) == []


async def test_an_expired_token_does_not_match(desk: Desk) -> None:
    text = (await token(desk, "brief", RULES, ttl="60s")).encode()
    assert len(await Scanner(desk).finds(text)) == 1
    assert desk.house is not None
    desk.house.core.clock.advance(61)  # type: ignore[attr-defined]  # the tests' own clock
    assert await Scanner(desk).finds(text) == []


async def test_other_servers_tokens_are_asked_about_by_hash_only_and_noise_not_at_all(desk: Desk) -> None:
    other = token_format.mint(b"another server's key")
    noise = other[:-1] + ("a" if other[-1] != "a" else "b")
    scanner = Scanner(desk)
    assert await scanner.finds(f"{other}\n{noise}\n{other}".encode()) == []
    assert scanner.asked_tokens == [token_format.fingerprint(other)]


def test_server_and_scanner_agree_on_tokens_and_their_fingerprints() -> None:
    text = token_format.mint(b"key")
    assert list(tokens.found(f"a {text} b".encode())) == [(2, text.encode())]
    assert tokens.fingerprint(text.encode()) == token_format.fingerprint(text)


@pytest.mark.parametrize("asked", ["", "../id/x", "zz" * 16, "0" * 31])
async def test_hostile_fingerprints_find_nothing(desk: Desk, asked: str) -> None:
    answer = await desk.ask(Operation.WRITE, "inventory/fingerprints/tokens", tokens=[asked])
    assert answer["tokens"] == [None]
