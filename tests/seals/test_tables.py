"""`[[seal]]` tables: what stops the start, and where secrets are read."""

import io
import os
from pathlib import Path

import pytest

from strongroom.barrier.seal.auto.pkcs11 import Pkcs11Seal
from strongroom.framework.context import in_thread
from strongroom.server.config import load
from strongroom.server.problems import StartFailed
from strongroom.server.seal_backends import backends
from strongroom.server.seal_settings import SealSettings, checked

TRANSIT = '[seal]\nkind = "transit"\nkey_name = "k"\n'


def tables(tmp_path: Path, text: str) -> list[SealSettings]:
    """The tables of a configuration file, checked."""
    path = tmp_path / "strongroom.toml"
    path.write_text(text)
    return checked(load(path, {}).seal)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[seal]]\nkind = "shamir"\n[[seal]]\nkind = "keyfile"\nkey_file = "k"', "not one of several"),
        ('[[seal]]\nkind = "keyfile"\nkey_file = "a"\n' * 2, "two seals are named keyfile"),
        ('[seal]\nkind = "keyfile"', "the keyfile seal lacks key_file"),
        ('[seal]\nkind = "pkcs11"\ntoken = "t"\nlibrary = "l"', "the pkcs11 seal lacks key_label"),
        ('[seal]\nkind = "shamir"\nkey_file = "x"', "key_file is no key of the shamir seal"),
        ('[seal]\nkind = "keyfile"\nkeyfile = "x"', "line 3: unknown key 'seal.keyfile'"),
        ('[[seal]]\nkind = "gcpckms"\nkey_rng = "x"', "line 3: unknown key 'seal.key_rng'"),
        ('[seal]\nkind = "awskms"', "the awskms seal lacks key_id"),
        (f'{TRANSIT}address = "http://vault.example"', "plain HTTP"),
        (f'{TRANSIT}address = "vault.example"', "is no address"),
        (f'{TRANSIT}address = "https://user@vault.example"', "is no address"),
        (f'{TRANSIT}address = "https://v.example"\ntls_ca = "none"', "cannot read the certificates"),
    ],
)
def test_tables_that_cannot_be_stop_the_start(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(StartFailed) as raised:
        backends(tables(tmp_path, text), in_thread)
    assert says in str(raised.value)


def test_the_order_of_the_tables_and_their_names(tmp_path: Path) -> None:
    text = """
    [[seal]]
    kind = "transit"
    address = "http://127.0.0.1:8200"
    key_name = "k"

    [[seal]]
    kind = "keyfile"
    name = "stick"
    key_file = "k"
    disabled = true
    """
    made = backends(tables(tmp_path, text), in_thread)
    named = [(one.name, one.seal.kind, one.disabled) for one in made]
    assert named == [("transit", "transit", False), ("stick", "keyfile", True)]


def test_a_shamir_table_alone_is_no_key_service(tmp_path: Path) -> None:
    assert tables(tmp_path, '[seal]\nkind = "shamir"') == []


PKCS11 = '[seal]\nkind = "pkcs11"\nlibrary = "l"\ntoken = "t"\nkey_label = "k"\npin_stdin = true'


def test_the_pin_is_a_line_of_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("739154\nmore\n"))
    (backend,) = backends(tables(tmp_path, PKCS11), in_thread)
    assert isinstance(backend.seal, Pkcs11Seal)
    assert backend.seal._pin().reveal() == "739154"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(StartFailed, match="no PIN was given"):
        backends(tables(tmp_path, PKCS11), in_thread)


def test_the_pin_is_asked_for_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "r+b", buffering=0) as terminal, os.fdopen(ours, "r+b", buffering=0) as typist:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(terminal))
        monkeypatch.setattr("getpass.getpass", lambda prompt: "739154" if "token t" in prompt else "")
        (backend,) = backends(tables(tmp_path, PKCS11), in_thread)
        assert typist
    assert isinstance(backend.seal, Pkcs11Seal)
    assert backend.seal._pin().reveal() == "739154"
