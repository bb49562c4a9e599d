"""Ceremonies through the command line: init, unseal, seal, rekey, root generation, status codes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.server.process import Server, start

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    config = tmp_path / "config.toml"
    config.write_text("[operator]\nunauthenticated_generate_root = true\n")
    with start("--data", tmp_path / "data", "--config", config) as made:
        yield made


@pytest.fixture
def operator(shell: Shell, server: Server) -> Shell:
    return Shell(shell.home, {"STRONGROOM_ADDR": f"http://127.0.0.1:{server.port}"})


def _opened(operator: Shell) -> tuple[list[str], str]:
    made = operator.ok("operator", "init", "--shares", "3", "--threshold", "2", "--json").json
    for share in made["keys_base64"][:2]:
        operator.ok("operator", "unseal", "-", stdin=share + "\n")
    return made["keys_base64"], made["root_token"]


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


def test_seal_asks_and_then_refuses_all(operator: Shell) -> None:
    _, root = _opened(operator)
    admin = Shell(operator.home, {**operator.settings, "STRONGROOM_TOKEN": root})
    assert admin("operator", "seal").code == 2
    admin.ok("operator", "seal", "--yes")
    assert admin("status").code == 2
    assert admin("whoami").code == 4


def test_rekey_with_verification_replaces_the_shares(operator: Shell) -> None:
    shares, root = _opened(operator)
    admin = Shell(operator.home, {**operator.settings, "STRONGROOM_TOKEN": root})
    assert "rekey --init" in admin("operator", "rekey", "-", stdin=shares[0]).err
    admin.ok("operator", "rekey", "--init", "--shares", "2", "--threshold", "2", "--verify")
    admin.ok("operator", "rekey", "-", stdin=shares[0])
    new = admin.ok("operator", "rekey", "--json", "-", stdin=shares[1]).json["keys_base64"]
    admin.ok("operator", "rekey", "--verify", "-", stdin=new[0])
    assert "in force" in admin.ok("operator", "rekey", "--verify", "-", stdin=new[1]).err
    admin.ok("operator", "seal", "--yes")
    for share in new:
        operator.ok("operator", "unseal", "-", stdin=share)
    assert admin("status").code == 0


def test_rekey_can_be_given_up(operator: Shell) -> None:
    _, root = _opened(operator)
    admin = Shell(operator.home, {**operator.settings, "STRONGROOM_TOKEN": root})
    admin.ok("operator", "rekey", "--init")
    assert admin.ok("operator", "rekey", "--status", "--field", "started").out == "true"
    admin.ok("operator", "rekey", "--cancel")
    assert admin.ok("operator", "rekey", "--status", "--field", "started").out == "false"


def test_a_root_token_is_made_from_shares_and_decoded_here(operator: Shell) -> None:
    shares, _ = _opened(operator)
    begun = operator.ok("operator", "generate-root", "--init", "--json").json
    operator.ok("operator", "generate-root", "-", stdin=shares[0])
    done = operator.ok("operator", "generate-root", "--json", "-", stdin=shares[2]).json
    token = operator.ok(
        "operator", "generate-root", "--decode", done["encoded_root_token"], "-", stdin=begun["otp"]
    ).out.strip()
    admin = Shell(operator.home, {**operator.settings, "STRONGROOM_TOKEN": token})
    assert admin.ok("whoami", "--field", "policies").out == '["root"]'
    assert admin("operator", "generate-root", "--decode", "AAAA", "-", stdin="x").code == 2


def test_the_encryption_key_rotates(operator: Shell) -> None:
    _, root = _opened(operator)
    admin = Shell(operator.home, {**operator.settings, "STRONGROOM_TOKEN": root})
    assert admin.ok("operator", "key-status", "--field", "term").out == "1"
    assert admin.ok("operator", "rotate", "--field", "term").out == "2"


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
