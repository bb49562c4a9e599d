"""`strongroom doctor`, `status` and `whoami` in the states a server can be in."""

import pytest

from tests.cli.conftest import Shell
from tests.server.process import Server

pytestmark = pytest.mark.slow


def _states(shell: Shell, *words: str, env: dict[str, str] | None = None) -> dict[str, str]:
    return {
        check["name"]: check["state"] for check in shell("doctor", "--json", *words, env=env).json["checks"]
    }


def test_a_healthy_server_with_an_ordinary_token(sr: Shell, dev: Server) -> None:
    token = sr.ok("token", "create", "--policy", "default", "--ttl", "1h", "--field", "token").out
    shell = sr.to(dev, token)
    assert shell("doctor").code == 0
    assert _states(shell) == {
        "address": "ok", "proxy": "ok", "connection": "ok", "tls": "skipped", "clock": "ok",
        "version": "ok", "seal": "ok", "token": "ok", "storage": "skipped",
        "backups": "skipped",
    }  # fmt: skip
    assert _states(shell, "--storage")["storage"] == "skipped"


def test_what_deserves_a_warning(sr: Shell, dev: Server) -> None:
    assert _states(sr)["token"] == "warning"
    token = sr.ok("token", "create", "--ttl", "1m", "--field", "token").out
    assert _states(sr.to(dev, token))["token"] == "warning"
    assert _states(sr, env={"HTTPS_PROXY": "http://proxy:1"})["proxy"] == "warning"
    assert _states(sr, "--storage")["storage"] == "ok"


def test_what_fails_is_negative_and_leads_on(sr: Shell, dev: Server) -> None:
    ran = sr.to(dev, "no-token")("doctor")
    assert ran.code == 1
    assert "FAIL  token" in ran.out
    assert "strongroom login" in ran.out
    unreachable = sr("doctor", "--address", "http://127.0.0.1:1", "--format", "csv")
    assert unreachable.code == 1
    assert "connection,failed" in unreachable.out


def test_status_shows_the_seal(sr: Shell) -> None:
    ran = sr.ok("status")
    assert "sealed           false" in ran.out
    assert sr.ok("status", "--json").json["sealed"] is False


def test_whoami_names_the_token_and_where_it_is_from(sr: Shell) -> None:
    found = sr.ok("whoami", "--json").json
    assert (found["version"], found["policies"], found["token_from"]) == (1, ["root"], "STRONGROOM_TOKEN")
