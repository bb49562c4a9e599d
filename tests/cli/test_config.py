"""Which source of a setting wins, and that a checkout cannot take a token away."""

import json
from pathlib import Path

import pytest

from strongroom.cli import config, tokens
from strongroom.cli.errors import Failure
from strongroom.sensitive import Sensitive
from tests.cli.conftest import Shell
from tests.server.process import Server

pytestmark = pytest.mark.slow


def _won(shell: Shell, *words: str, env: dict[str, str] | None = None) -> dict[str, tuple[str, str]]:
    ran = shell("status", "--print-config", "--json", *words, env=env)
    assert ran.code == 0, ran
    return {row["setting"]: (row["value"], row["source"]) for row in ran.json}


def test_flag_then_environment_then_directory_then_user_then_default(shell: Shell) -> None:
    user = shell.home / ".config" / "strongroom" / "config.toml"
    user.parent.mkdir(parents=True)
    assert _won(shell)["address"] == ("http://127.0.0.1:8200", "default")
    user.write_text('address = "http://user:1"\n')
    assert _won(shell)["address"] == ("http://user:1", str(user))
    directory = shell.home / ".strongroom.toml"
    directory.write_text('address = "http://directory:1"\n')
    assert _won(shell)["address"] == ("http://directory:1", str(directory))
    env = {"BAO_ADDR": "http://bao:1"}
    assert _won(shell, env=env)["address"] == ("http://bao:1", "BAO_ADDR")
    env |= {"VAULT_ADDR": "http://vault:1"}
    assert _won(shell, env=env)["address"] == ("http://vault:1", "VAULT_ADDR")
    env |= {"STRONGROOM_ADDR": "http://env:1"}
    assert _won(shell, env=env)["address"] == ("http://env:1", "STRONGROOM_ADDR")
    assert _won(shell, "--address", "http://flag:1", env=env)["address"] == ("http://flag:1", "--address")


def test_the_directory_file_is_found_from_below(shell: Shell) -> None:
    (shell.home / ".strongroom.toml").write_text('namespace = "team"\n')
    below = shell.home / "a" / "b"
    below.mkdir(parents=True)
    inside = Shell(below, {"HOME": str(shell.home)})
    assert _won(inside)["namespace"] == ("team", str(shell.home / ".strongroom.toml"))


def test_the_token_is_told_by_source_and_never_printed(shell: Shell) -> None:
    ran = shell("status", "--print-config", env={"VAULT_TOKEN": "canary-token"})
    assert "VAULT_TOKEN" in ran.out
    assert "canary-token" not in ran.out + ran.err


@pytest.mark.parametrize(
    "key", ["token", "skip_verify", "ca_cert", "client_key", "trusted_addresses", "adress"]
)
def test_a_directory_file_may_hold_no_secret_and_weaken_nothing(shell: Shell, key: str) -> None:
    (shell.home / ".strongroom.toml").write_text(f'{key} = "x"\n')
    ran = shell("status")
    assert ran.code == 2
    assert f"'{key}' is not allowed here" in ran.err


def test_a_broken_file_is_named(shell: Shell) -> None:
    (shell.home / ".strongroom.toml").write_text("address = \n")
    ran = shell("status")
    assert ran.code == 2
    assert ".strongroom.toml" in ran.err


def test_a_server_that_only_a_checkout_names_gets_no_token(shell: Shell) -> None:
    (shell.home / ".strongroom.toml").write_text('address = "https://evil.example"\n')
    ran = shell("kv", "get", "secret/a", env={"STRONGROOM_TOKEN": "canary-token"})
    assert ran.code == 3
    assert "not a server that you have used" in ran.err
    assert "canary-token" not in ran.err


def test_a_checkout_may_name_a_server_that_was_logged_in_to(shell: Shell, dev: Server) -> None:
    address = f"http://localhost:{dev.port}"
    (shell.home / ".strongroom.toml").write_text(f'address = "{address}"\n')
    shell.ok("login", "--address", address, "-", stdin="root")
    assert shell.ok("whoami", "--field", "address").out == address


def test_vaults_variables_and_token_file_work(shell: Shell, dev: Server) -> None:
    (shell.home / ".vault-token").write_text("root")
    ran = shell("whoami", "--json", env={"VAULT_ADDR": f"http://127.0.0.1:{dev.port}"})
    assert ran.json["token_from"] == "~/.vault-token"


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8200", "ftp://x", "http://", "http://u:p@host", "http://h:port"]
)
def test_an_address_that_is_none_is_a_usage_error(shell: Shell, address: str) -> None:
    ran = shell("status", "--address", address)
    assert ran.code == 2
    assert "is not the address of a server" in ran.err


def test_wrong_values_name_their_source(shell: Shell) -> None:
    assert "STRONGROOM_FORMAT" in shell("status", env={"STRONGROOM_FORMAT": "xml"}).err
    assert "VAULT_CLIENT_TIMEOUT" in shell("status", env={"VAULT_CLIENT_TIMEOUT": "soon"}).err
    assert _won(shell, env={"VAULT_CLIENT_TIMEOUT": "90s"})["timeout"] == ("90s", "VAULT_CLIENT_TIMEOUT")


def test_the_namespace_reaches_the_server(sr: Shell) -> None:
    line = sr.ok("read", "--output-curl", "--namespace", "team", "secret/data/a").out
    assert "X-Vault-Namespace: team" in line


def test_the_version_as_text_and_json(shell: Shell) -> None:
    assert shell.ok("--version").out.startswith("strongroom ")
    assert set(json.loads(shell.ok("--version", "--json").out)) == {"version"}


def test_no_command_and_a_wrong_one(shell: Shell) -> None:
    assert shell().code == 2
    ran = shell("statsu")
    assert ran.code == 2
    assert "Did you mean `status`?" in ran.err


@pytest.mark.parametrize(
    ("trusted", "kept", "sent"),
    [
        ("", "", False),
        ("https://other.example", "https://other.example", False),
        ("https://a.example,https://vault.example/", "", True),
        ("", "https://vault.example", True),
        ("https://vault.example.evil", "", False),
        ("http://vault.example", "", False),
    ],
)
def test_only_a_trusted_or_used_address_of_a_checkout_gets_the_token(
    tmp_path: Path, trusted: str, kept: str, sent: bool
) -> None:
    place = config.Place({"STRONGROOM_TOKEN": "t"}, tmp_path, tmp_path)
    if kept:
        tokens.save(Sensitive("k"), kept, place)
    address = config.Chosen("https://vault.example", str(tmp_path / ".strongroom.toml"))
    if not sent:
        with pytest.raises(Failure):
            tokens.fitting(tokens.find(place), address, trusted, place)
    else:
        found = tokens.fitting(tokens.find(place), address, trusted, place)
        assert found is not None
        assert found.reveal() == "t"
