"""A server that opens itself: at start, after a wait, and through the ceremonies of its recovery keys."""

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import hvac
import pytest

from strongroom.system.rekey import decoded_root
from tests.seals.conftest import PIN, Begin, Module
from tests.server.process import NotStarted, Server, ask

pytestmark = [pytest.mark.slow]


@pytest.fixture
def begin(begin: Begin) -> Begin:
    """Start a server on one data directory with a `[seal]` table."""
    return lambda table: begin(f"[seal]\n{table}")


@pytest.fixture
def table(key_file: Path) -> str:
    return f'kind = "keyfile"\nkey_file = "{key_file}"'


def call(server: Server, method: str, path: str, token: str = "", **fields: Any) -> tuple[int, Any]:
    """One request on a connection of its own."""
    with closing(server.connect()) as connection:
        return ask(connection, method, path, token, **fields)


def status_once(server: Server, *, sealed: bool) -> dict[str, Any]:
    """The seal's status when it is as wanted, within a bounded time."""
    deadline = time.monotonic() + 60
    while True:
        found: dict[str, Any] = call(server, "GET", "/v1/sys/seal-status")[1]
        if found["sealed"] is sealed:
            return found
        assert time.monotonic() < deadline, "the seal did not change"


def said_at_the_end(server: Server, text: str) -> str:
    """Everything in the log of a server that is stopped once it has said `text`."""
    assert server.process.stderr is not None
    said = server.said
    while text not in said:
        line = server.process.stderr.readline()
        assert line, f"the server ended without saying {text!r}"
        said += line
    server.stop()
    return said + server.process.stderr.read()


def initialized(server: Server, **numbers: int) -> dict[str, Any]:
    status, made = call(server, "POST", "/v1/sys/init", "", **numbers)
    assert status == 200, made
    answer: dict[str, Any] = made
    return answer


def test_init_gives_recovery_keys_and_the_next_start_opens_itself(begin: Begin, table: str) -> None:
    with begin(table) as server:
        made = initialized(server, recovery_shares=3, recovery_threshold=2)
        assert (made["keys"], made["keys_base64"]) == ([], [])
        assert len(made["recovery_keys"]) == len(made["recovery_keys_base64"]) == 3
        status = status_once(server, sealed=False)
        named = {name: status[name] for name in ("type", "recovery_seal", "recovery_seal_type", "t", "n")}
        assert named == {
            "type": "keyfile",
            "recovery_seal": True,
            "recovery_seal_type": "shamir",
            "t": 2,
            "n": 3,
        }
        assert server.stop() == 0
    with begin(table) as server:
        status_once(server, sealed=False)
        root = made["root_token"]
        assert call(server, "GET", "/v1/auth/token/lookup-self", root)[0] == 200
        assert server.stop() == 0


def test_hvac_initialises_with_recovery_keys(begin: Begin, table: str) -> None:
    with begin(table) as server:
        client = hvac.Client(f"http://127.0.0.1:{server.port}")
        made = client.sys.initialize(recovery_shares=2, recovery_threshold=2)
        assert len(made["recovery_keys"]) == 2
        assert client.sys.read_seal_status()["type"] == "keyfile"
        assert not client.sys.is_sealed()
        client.adapter.close()


def test_the_start_waits_for_the_key_and_answers_sealed_meanwhile(
    begin: Begin, table: str, key_file: Path
) -> None:
    with begin(table) as server:
        initialized(server)
        server.stop()
    away = key_file.rename(key_file.with_name("away"))
    with begin(table) as server:
        assert call(server, "GET", "/v1/sys/health")[0] == 503
        assert call(server, "GET", "/v1/auth/token/lookup-self", "any")[0] == 503
        away.rename(key_file)
        assert "the seal does not open yet" in said_at_the_end(server, "unsealed seal=keyfile")


def test_another_key_leaves_it_sealed_and_is_told_once(begin: Begin, table: str, key_file: Path) -> None:
    with begin(table) as server:
        initialized(server)
        server.stop()
    key_file.write_bytes(os.urandom(32))
    with begin(table) as server:
        assert call(server, "GET", "/v1/sys/health")[0] == 503
        assert said_at_the_end(server, "not tried again").count("not tried again") == 1


def test_recovery_keys_make_a_root_token_and_new_recovery_keys(begin: Begin, table: str) -> None:
    with begin(table) as server:
        made = initialized(server, recovery_shares=2, recovery_threshold=2)
        status_once(server, sealed=False)
        root, keys = made["root_token"], made["recovery_keys"]
        assert call(server, "POST", "/v1/sys/rekey/init", root)[0] == 400
        numbers = {"secret_shares": 3, "secret_threshold": 2}
        for path in ("rekey-recovery-key", "rotate/recovery"):
            begun = call(server, "POST", f"/v1/sys/{path}/init", root, **numbers)[1]
            for key in keys[:2]:
                share = {"key": key, "nonce": begun["nonce"]}
                answer = call(server, "POST", f"/v1/sys/{path}/update", root, **share)[1]
            old, keys = keys, answer["keys"]
            assert len(keys) == 3
            assert keys != old
        begun = call(server, "POST", "/v1/sys/generate-root-token/attempt", root)[1]
        for key in keys[1:]:
            share = {"key": key, "nonce": begun["nonce"]}
            answer = call(server, "POST", "/v1/sys/generate-root-token/update", root, **share)[1]
        other = decoded_root(answer["encoded_token"], begun["otp"])
        assert call(server, "GET", "/v1/auth/token/lookup-self", other)[0] == 200


def test_sealed_by_hand_it_stays_so_until_a_quorum_or_a_restart(begin: Begin, table: str) -> None:
    with begin(table) as server:
        made = initialized(server, recovery_shares=1, recovery_threshold=1)
        status_once(server, sealed=False)
        assert call(server, "POST", "/v1/sys/seal", made["root_token"])[0] == 204
        assert status_once(server, sealed=True)["type"] == "keyfile"
        call(server, "POST", "/v1/sys/unseal", key=made["recovery_keys"][0])
        status_once(server, sealed=False)


def test_recovery_numbers_are_for_seals_that_open_themselves(begin: Begin) -> None:
    with begin('kind = "shamir"') as server:
        status, answer = call(server, "POST", "/v1/sys/init", recovery_shares=3)
        refusal = "parameters recovery_shares not applicable to seal type shamir"
        assert (status, answer["errors"]) == (400, [refusal])
        assert call(server, "GET", "/v1/sys/seal-status")[1]["recovery_seal"] is False


def test_another_kind_than_the_store_has_stops_the_start(begin: Begin, table: str) -> None:
    with begin(table) as server:
        initialized(server)
        server.stop()
    with pytest.raises(
        NotStarted, match=r"the store is sealed by keyfile, which no \[\[seal\]\] table names"
    ):
        begin('kind = "shamir"')


@pytest.mark.component("softhsm")
def test_a_hardware_module_opens_the_server(begin: Begin, module: Module, tmp_path: Path) -> None:
    module.token("server")
    pin = tmp_path / "pin"
    pin.write_text(PIN + "\n")
    table = f'kind = "pkcs11"\nlibrary = "{module.library}"\ntoken = "server"\nkey_label = "root"'
    with begin(f'{table}\npin_file = "{pin}"') as server:
        made = initialized(server)
        assert len(made["recovery_keys"]) == 5
        status_once(server, sealed=False)
        server.stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRONGROOM_SEAL_PIN", PIN)
        with begin(table) as server:
            status = status_once(server, sealed=False)
            assert (status["type"], status["t"], status["n"]) == ("pkcs11", 3, 5)
            assert server.stop() == 0


@pytest.mark.component("softhsm")
def test_a_wrong_pin_is_tried_once(begin: Begin, module: Module, tmp_path: Path) -> None:
    module.token("once")
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    table = f'kind = "pkcs11"\nlibrary = "{module.library}"\ntoken = "once"\nkey_label = "root"'
    with begin(f'{table}\npin_file = "{pin}"') as server:
        initialized(server)
        server.stop()
    pin.write_text("000111")
    with begin(f'{table}\npin_file = "{pin}"') as server:
        said = said_at_the_end(server, "not tried again")
    assert "000111" not in said
    assert said.count("not tried again") == 1
