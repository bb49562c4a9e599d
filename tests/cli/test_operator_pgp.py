"""Key shares and root tokens encrypted to OpenPGP keys, by our command line and by bao's."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.crypto.openpgp.gnupg import GnuPG, gnupg
from tests.server.process import Server, start
from tests.suites.openbao import BAO

pytestmark = [pytest.mark.slow, pytest.mark.component("gpg")]


@pytest.fixture(scope="module")
def gpg() -> Iterator[GnuPG]:
    with gnupg() as home:
        home.make("ed25519", "ann@example.com")
        home.make("rsa2048", "bob@example.com")
        yield home


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with start("--data", tmp_path / "data") as made:
        yield made


@pytest.fixture
def operator(shell: Shell, server: Server, gpg: GnuPG) -> Shell:
    (shell.home / "ann.asc").write_bytes(gpg.export("ann@example.com", "--armor"))
    (shell.home / "bob.gpg").write_bytes(gpg.export("bob@example.com"))
    return Shell(shell.home, {"STRONGROOM_ADDR": f"http://127.0.0.1:{server.port}"})


def opened(gpg: GnuPG, message: str) -> str:
    return gpg.decrypt(base64.b64decode(message)).decode()


def test_init_rekey_and_root_generation_for_the_holders_of_keys(operator: Shell, gpg: GnuPG) -> None:
    two = ("--shares", "2", "--threshold", "2", "--pgp-keys", "ann.asc,bob.gpg")
    said = operator.ok("operator", "init", *two, "--root-token-pgp-key", "ann.asc")
    lines = [line for line in said.out.splitlines() if line]
    assert lines[0].startswith("Key share 1, encrypted to ann.asc: ")
    assert lines[1].startswith("Key share 2, encrypted to bob.gpg: ")
    assert lines[2].startswith("Root token, encrypted to ann.asc: ")
    assert "gpg --decrypt" in said.err
    *shares, root = (opened(gpg, line.rpartition(": ")[2]) for line in lines)
    for share in shares:
        operator.ok("operator", "unseal", "-", stdin=share)
    admin = Shell(operator.home, {**operator.settings, "STRONGROOM_TOKEN": root})
    begun = admin.ok("operator", "rekey", "--init", *two, "--backup", "--json").json
    assert len(begun["pgp_fingerprints"]) == 2
    admin.ok("operator", "rekey", "-", stdin=shares[0])
    said = admin.ok("operator", "rekey", "-", stdin=shares[1])
    assert f"encrypted to {begun['pgp_fingerprints'][1]}: " in said.out
    kept = admin.ok("operator", "rekey", "--backup-retrieve").json
    shares = [opened(gpg, kept["keys_base64"][name][0]) for name in begun["pgp_fingerprints"]]
    admin.ok("operator", "rekey", "--backup-delete")
    assert "no backed-up keys found" in admin("operator", "rekey", "--backup-retrieve").err
    admin.ok("operator", "generate-root", "--init", "--pgp-key", "bob.gpg")
    admin.ok("operator", "generate-root", "-", stdin=shares[0])
    made = admin.ok("operator", "generate-root", "--field", "encoded_root_token", "-", stdin=shares[1]).out
    other = Shell(operator.home, {**operator.settings, "STRONGROOM_TOKEN": opened(gpg, made)})
    assert other.ok("token", "lookup", "--json").json["data"]["policies"] == ["root"]


def test_files_that_are_no_keys_are_named(operator: Shell) -> None:
    (operator.home / "empty").write_bytes(b"")
    (operator.home / "noise").write_bytes(os.urandom(100))
    for name, reason in (
        ("missing.asc", "cannot read the public key missing.asc"),
        ("keybase:ann", "keybase:ann is not looked up"),
        ("empty", "empty holds no public key"),
        (".", "cannot read the public key ."),
        ("noise", "OpenPGP"),
    ):
        ran = operator("operator", "init", "--shares", "1", "--threshold", "1", "--pgp-keys", name)
        assert ran.code == 2, ran
        assert reason in ran.err
    ran = operator("operator", "rekey", "--init", "--backup")
    assert (ran.code, "--backup needs --pgp-keys" in ran.err) == (2, True)
    assert operator("operator", "init", "--status").code == 1


def test_bao_makes_encrypted_shares_and_a_root_token(operator: Shell, server: Server, gpg: GnuPG) -> None:
    def bao(*words: str, token: str = "") -> Any:
        found = {
            "BAO_ADDR": f"http://127.0.0.1:{server.port}",
            "BAO_TOKEN": token,
            "HOME": str(operator.home),
        }
        ended = subprocess.run(
            [BAO, *words[:2], "-format=json", *words[2:]],
            env=found,
            capture_output=True,
            check=True,
            cwd=operator.home,
        )
        return json.loads(ended.stdout)

    keys = "-pgp-keys=ann.asc,bob.gpg"
    made = bao(
        "operator", "init", "-key-shares=2", "-key-threshold=2", keys, "-root-token-pgp-key=bob.gpg"
    )  # fmt: skip
    shares = [opened(gpg, message) for message in made["unseal_keys_b64"]]
    for share in shares:
        operator.ok("operator", "unseal", "-", stdin=share)
    root = opened(gpg, made["root_token"])
    begun = bao(
        "operator", "rotate-keys", "-init", "-key-shares=2", "-key-threshold=2", keys, "-backup", token=root
    )
    assert len(begun["pgp_fingerprints"]) == 2
    bao("operator", "rotate-keys", f"-nonce={begun['nonce']}", shares[0], token=root)
    new = bao("operator", "rotate-keys", f"-nonce={begun['nonce']}", shares[1], token=root)
    kept = bao("operator", "rotate-keys", "-backup-retrieve", token=root)
    assert sorted(key for each in kept["data"]["keys"].values() for key in each) == sorted(new["keys"])
