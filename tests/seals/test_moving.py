"""A real server and its command line, moved from shares to seals and back, with several seals at once."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.seals.clouds import Answer, Cloud
from tests.seals.conftest import Begin
from tests.seals.test_server import call, initialized, said_at_the_end, status_once
from tests.server.process import Server
from tests.suites.openbao import OpenBao, running

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running(tmp_path_factory.mktemp("openbao")) as server:
        server.call("POST", "sys/mounts/transit", {"type": "transit"})
        server.call("POST", "transit/keys/seal", {})
        yield server


@pytest.fixture
def local(key_file: Path) -> str:
    return f'[[seal]]\nkind = "keyfile"\nkey_file = "{key_file}"\n'


def command(
    server: Server, *words: str, given: str = "", token: str = "none"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "strongroom", *words, "--address", f"http://127.0.0.1:{server.port}"],
        input=given,
        capture_output=True,
        text=True,
        env={**os.environ, "STRONGROOM_TOKEN": token},
        check=False,
    )


def move(server: Server, keys: list[str]) -> None:
    for key in keys:
        assert call(server, "POST", "/v1/sys/unseal", key=key, migrate=True)[0] == 200


def test_from_shares_to_a_seal_and_back_by_the_command_line(begin: Begin, local: str) -> None:
    with begin("") as server:
        made = initialized(server, secret_shares=2, secret_threshold=2)
        keys, root = made["keys_base64"], made["root_token"]
        server.stop()
    with begin(local) as server:
        assert status_once(server, sealed=True)["migration"] is True
        refused = command(server, "operator", "unseal", "-", given=keys[0])
        assert "seal migration is pending" in refused.stderr
        move(server, keys[:1])
        ran = command(server, "operator", "unseal", "-migrate", "-", given=keys[1])
        assert ran.returncode == 0, ran.stderr
        status = status_once(server, sealed=False)
        assert (status["type"], status["migration"], status["recovery_seal"]) == ("keyfile", False, True)
        server.stop()
    with begin(local) as server:
        status_once(server, sealed=False)
        assert call(server, "GET", "/v1/auth/token/lookup-self", root)[0] == 200
        rekey = ("operator", "rekey", "--target", "recovery")
        begun = command(server, *rekey, "--init", "--shares", "1", "--threshold", "1", "--json", token=root)
        share = {"key": keys[0], "nonce": json.loads(begun.stdout)["nonce"]}
        assert call(server, "POST", "/v1/sys/rekey-recovery-key/update", root, **share)[0] == 200
        said = command(server, *rekey, "-", given=keys[1], token=root).stdout
        assert said.startswith("Recovery key 1: ")
        keys = [said.splitlines()[0].removeprefix("Recovery key 1: ")]
        server.stop()
    with begin(f"{local}disabled = true\n") as server:
        move(server, keys)
        assert status_once(server, sealed=False)["type"] == "shamir"
        assert "a seal migration is pending" in said_at_the_end(server, "pending")
    with begin("") as server:
        for key in keys:
            call(server, "POST", "/v1/sys/unseal", key=key)
        status_once(server, sealed=False)
        assert call(server, "PUT", "/v1/sys/sealwrap/rewrap", root)[0] == 400


def test_two_seals_each_of_which_opens_the_server(
    begin: Begin, local: str, bao: OpenBao, tmp_path: Path, key_file: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("root\n")
    remote = f'[[seal]]\nkind = "transit"\naddress = "{bao.base.removesuffix("/v1/")}"\nkey_name = "seal"\n'
    both = f'{remote}token_file = "{token}"\n{local}'
    with begin(both) as server:
        made = initialized(server)
        root = made["root_token"]
        assert status_once(server, sealed=False)["type"] == "multiseal"
        assert call(server, "PUT", "/v1/sys/sealwrap/rewrap", root)[0] == 204
        counts = call(server, "GET", "/v1/sys/sealwrap/rewrap", root)[1]["data"]["entries"]
        assert counts == {"processed": 2, "succeeded": 2, "failed": 0}
        shown: dict[str, Any] = call(server, "GET", "/v1/sys/seal-backend-status")[1]
        assert (shown["healthy"], shown["fully_wrapped"]) == (True, True)
        assert [(one["name"], one["healthy"]) for one in shown["backends"]] == [
            ("transit", True),
            ("keyfile", True),
        ]
        assert "seal transit" in command(server, "status").stdout
        server.stop()
    token.write_text("wrong")
    with begin(both) as server:
        status_once(server, sealed=False)
        shown = call(server, "GET", "/v1/sys/seal-backend-status")[1]
        assert shown["backends"][0]["healthy"] is False
        assert call(server, "PUT", "/v1/sys/sealwrap/rewrap", root)[0] == 502
        shown = call(server, "GET", "/v1/sys/seal-backend-status")[1]
        assert [one["healthy"] for one in shown["backends"]] == [False, True]
        assert shown["unhealthy_since"] == shown["backends"][0]["unhealthy_since"]
        said = said_at_the_end(server, "a seal would not open the store seal=transit")
        assert said.count("would not open the store") == 1
    token.write_text("root")
    key_file.unlink()
    with begin(both) as server:
        status_once(server, sealed=False)


class Other(Cloud):
    """Another make of server: it opens itself and has no status of its seals."""

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path == "/v1/sys/seal-status":
            return 200, {"type": "static", "recovery_seal": True, "sealed": False}, {}
        return 403, {"errors": ["permission denied"]}, {}


def test_the_status_of_another_make_of_server_is_shown() -> None:
    with Other().running() as address:
        words = [sys.executable, "-m", "strongroom", "status", "--address", address]
        ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "static" in ran.stdout
