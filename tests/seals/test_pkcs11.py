"""A real PKCS#11 module: the key stays in it, is found again, and a token that comes and goes is survived."""

from pathlib import Path

import pkcs11
import pytest

from strongroom.barrier.seal.sealing import Backend, Sealing
from strongroom.errors import IntegrityFailure, InvalidCredentials, UpstreamFailed
from tests.seals.conftest import PIN, Module
from tests.seals.stores import Store, key_file_seal, off

pytestmark = [pytest.mark.component("softhsm")]
ROOT_KEY = b"r" * 32


async def test_the_key_is_made_once_and_does_not_leave_the_token(module: Module) -> None:
    module.token("made")
    seal = module.seal("made")
    wrapped = await seal.wrap(ROOT_KEY, b"state")
    assert ROOT_KEY not in wrapped
    assert await module.seal("made").unwrap(await seal.wrap(ROOT_KEY, b"state"), b"state") == ROOT_KEY
    with pkcs11.lib(module.library).get_token(token_label="made").open(user_pin=PIN) as session:
        (key,) = session.get_objects({pkcs11.Attribute.LABEL: "strongroom"})
        assert key[pkcs11.Attribute.EXTRACTABLE] is False
        assert key[pkcs11.Attribute.SENSITIVE] is True
        with pytest.raises(pkcs11.AttributeSensitive):
            key[pkcs11.Attribute.VALUE]
    assert await seal.unwrap(wrapped, b"state") == ROOT_KEY


async def test_what_is_changed_moved_or_under_another_key_does_not_open(module: Module) -> None:
    module.token("changed")
    seal, other = module.seal("changed"), module.seal("changed", "other")
    wrapped = await seal.wrap(ROOT_KEY, b"state")
    await other.wrap(ROOT_KEY, b"state")
    broken = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    for service, entry, associated in (
        (seal, wrapped, b"another"),
        (seal, broken, b"state"),
        (seal, wrapped[:20], b"state"),
        (other, wrapped, b"state"),
    ):
        with pytest.raises(IntegrityFailure):
            await service.unwrap(entry, associated)
    assert await seal.unwrap(wrapped, b"state") == ROOT_KEY


async def test_opening_never_makes_a_key(module: Module) -> None:
    module.token("empty")
    for _ in range(2):
        with pytest.raises(UpstreamFailed, match="no key named strongroom"):
            await module.seal("empty").unwrap(bytes(60), b"state")


async def test_a_wrong_pin_is_told_apart_and_the_right_one_works_after_it(module: Module) -> None:
    module.token("pin")
    with pytest.raises(InvalidCredentials, match="refuses the PIN") as raised:
        await module.seal("pin", pin="000000").wrap(ROOT_KEY, b"state")
    assert "000000" not in str(raised.value)
    assert await module.seal("pin").wrap(ROOT_KEY, b"state")


async def test_a_token_that_comes_later_is_found(module: Module) -> None:
    seal = module.seal("later")
    with pytest.raises(UpstreamFailed, match="NoSuchToken"):
        await seal.wrap(ROOT_KEY, b"state")
    module.token("later")
    assert await seal.unwrap(await seal.wrap(ROOT_KEY, b"state"), b"state") == ROOT_KEY


async def test_a_token_that_goes_away_and_comes_back(module: Module) -> None:
    module.token("returns")
    seal = module.seal("returns")
    wrapped = await seal.wrap(ROOT_KEY, b"state")
    tokens = module.configuration.parent / "tokens"
    away = tokens.rename(tokens.with_name("away"))
    tokens.mkdir()
    for _ in range(2):
        with pytest.raises(UpstreamFailed):
            await seal.unwrap(wrapped, b"state")
    tokens.rmdir()
    away.rename(tokens)
    assert await seal.unwrap(wrapped, b"state") == ROOT_KEY


async def test_a_session_that_was_closed_by_force_is_not_used_again(module: Module) -> None:
    module.token("forced")
    seal = module.seal("forced")
    wrapped = await seal.wrap(ROOT_KEY, b"state")
    pkcs11.lib(module.library).reinitialize()
    assert await seal.unwrap(wrapped, b"state") == ROOT_KEY


async def test_from_shares_to_the_token_to_a_file_and_back(module: Module, tmp_path: Path) -> None:
    module.token("moving")
    remote, local = Backend("pkcs11", module.seal("moving")), key_file_seal(tmp_path, "local")
    store = Store()
    await store.make()
    for during, after in (([remote], [remote]), ([off(remote), local], [local]), ([off(local)], [])):
        await store.unseal(Sealing(*during), migrate=True)
        assert await store.opens(*after)


async def test_a_library_that_cannot_be_loaded(module: Module, tmp_path: Path) -> None:
    module.library, kept = str(tmp_path / "missing.so"), module.library
    seal = module.seal("any")
    module.library = kept
    with pytest.raises(UpstreamFailed, match="cannot load"):
        await seal.wrap(ROOT_KEY, b"state")
