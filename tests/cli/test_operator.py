"""Ceremonies through the command line: init, unseal, seal, rekey, root generation, status codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.conftest import Shell
from tests.server.process import start

pytestmark = pytest.mark.slow


class Opened(NamedTuple):
    """An initialised and unsealed server: a shell without a token, one of root's, the shares in force."""

    operator: Shell
    admin: Shell
    shares: list[str]


@contextmanager
def _started(home: Path) -> Iterator[Shell]:
    config = home / "config.toml"
    config.write_text("[operator]\nunauthenticated_generate_root = true\n")
    with start("--data", home / "data", "--config", config) as server:
        yield Shell(home, {"STRONGROOM_ADDR": f"http://127.0.0.1:{server.port}"})


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Shell]:
    """A shell on a new server."""
    with _started(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """One server for all tests that leave it open."""
    with _started(tmp_path_factory.mktemp("opened")) as operator:
        made = operator.ok("operator", "init", "--shares", "3", "--threshold", "2", "--json").json
        admin = Shell(operator.home, {**operator.settings, "STRONGROOM_TOKEN": made["root_token"]})
        _unseal(operator, made["keys_base64"][:2])
        yield Opened(operator, admin, made["keys_base64"])


def _unseal(operator: Shell, shares: list[str]) -> None:
    for share in shares:
        operator.ok("operator", "unseal", "-", stdin=share + "\n")


def test_a_new_server_says_init_then_unseal(operator: Shell) -> None:
    assert operator("status").code == 2
    assert operator("operator", "init", "--status").code == 1
    ran = operator("kv", "get", "secret/a")
    assert ran.code == 4
    assert "strongroom operator init" in ran.err
    made = operator.ok("operator", "init", "--shares", "3", "--threshold", "2")
    assert made.out.count("Key share ") == 3
    assert "Root token: " in made.out
    assert operator.ok("operator", "init", "--status").code == 0
    ran = operator("kv", "get", "secret/a")
    assert ran.code == 4
    assert "strongroom operator unseal" in ran.err


def test_unseal_counts_resets_and_opens(operator: Shell) -> None:
    shares = operator.ok("operator", "init", "-key-shares=3", "-key-threshold=2", "-format=json").json["keys"]
    assert "1 more key share(s)" in operator.ok("operator", "unseal", "-", stdin=shares[0]).err
    assert operator.ok("operator", "unseal", "--reset", "--field", "progress").out == "0"
    operator.ok("operator", "unseal", "-", stdin=shares[1])
    assert operator.ok("operator", "unseal", "--field", "sealed", "-", stdin=shares[2]).out == "false"
    assert operator("status").code == 0


def test_a_share_on_argv_is_warned_of_and_a_wrong_one_refused(operator: Shell) -> None:
    operator.ok("operator", "init", "--shares", "1", "--threshold", "1")
    ran = operator("operator", "unseal", "AAAA")
    assert ran.code == 2
    assert "warning: a key share on the command line" in ran.err


def test_seal_asks_and_then_refuses_all(opened: Opened) -> None:
    operator, admin, shares = opened
    assert admin("operator", "seal").code == 2
    admin.ok("operator", "seal", "--yes")
    assert admin("status").code == 2
    assert admin("whoami").code == 4
    _unseal(operator, shares[1:])
    assert admin("whoami").code == 0


def test_rekey_can_be_given_up(opened: Opened) -> None:
    admin = opened.admin
    admin.ok("operator", "rekey", "--init")
    assert admin.ok("operator", "rekey", "--status", "--field", "started").out == "true"
    admin.ok("operator", "rekey", "--cancel")
    assert admin.ok("operator", "rekey", "--status", "--field", "started").out == "false"


def test_a_root_token_is_made_from_shares_and_decoded_here(opened: Opened) -> None:
    operator, _, shares = opened
    begun = operator.ok("operator", "generate-root", "--init", "--json").json
    operator.ok("operator", "generate-root", "-", stdin=shares[0])
    done = operator.ok("operator", "generate-root", "--json", "-", stdin=shares[2]).json
    token = operator.ok(
        "operator", "generate-root", "--decode", done["encoded_root_token"], "-", stdin=begun["otp"]
    ).out.strip()
    admin = Shell(operator.home, {**operator.settings, "STRONGROOM_TOKEN": token})
    assert admin.ok("whoami", "--field", "policies").out == '["root"]'
    assert admin("operator", "generate-root", "--decode", "AAAA", "-", stdin="x").code == 2


def test_the_encryption_key_rotates(opened: Opened) -> None:
    admin = opened.admin
    before = int(admin.ok("operator", "key-status", "--field", "term").out)
    assert int(admin.ok("operator", "rotate", "--field", "term").out) == before + 1


def test_rekey_with_verification_replaces_the_shares(opened: Opened) -> None:
    operator, admin, shares = opened
    assert "rekey --init" in admin("operator", "rekey", "-", stdin=shares[0]).err
    admin.ok("operator", "rekey", "--init", "--shares", "3", "--threshold", "2", "--verify")
    admin.ok("operator", "rekey", "-", stdin=shares[0])
    new = admin.ok("operator", "rekey", "--json", "-", stdin=shares[1]).json["keys_base64"]
    admin.ok("operator", "rekey", "--verify", "-", stdin=new[0])
    assert "in force" in admin.ok("operator", "rekey", "--verify", "-", stdin=new[1]).err
    shares[:] = new
    admin.ok("operator", "seal", "--yes")
    _unseal(operator, new[:2])
    assert admin("status").code == 0


def test_a_seal_that_opens_itself_gives_recovery_keys(shell: Shell, tmp_path: Path) -> None:
    key, config = tmp_path / "seal.key", tmp_path / "config.toml"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    config.write_text(f'[seal]\nkind = "keyfile"\nkey_file = "{key}"\n')
    with start("--data", tmp_path / "data", "--config", config) as server:
        operator = Shell(shell.home, {"STRONGROOM_ADDR": f"http://127.0.0.1:{server.port}"})
        numbers = ("--recovery-shares", "3", "--recovery-threshold", "2")
        made = operator.ok("operator", "init", *numbers)
        assert made.out.count("Recovery key ") == 3
        assert "These are recovery keys" in made.err
        assert operator.ok("status", "--field", "type").out == "keyfile"
