"""`read`, `write`, `list`, `delete`, `wrap`, `path-help`, and what their requests look like."""

import shlex
import subprocess

import pytest

from tests.cli.conftest import Shell

pytestmark = pytest.mark.slow


def test_read_shows_lists_and_queries(sr: Shell) -> None:
    assert sr.ok("read", "--field", "type", "sys/seal-status").out == "shamir"
    sr.ok("kv", "put", "secret/log/a", "x=1", "--no-warn")
    sr.ok("kv", "put", "secret/log/a", "x=2", "--no-warn")
    assert sr.ok("read", "--json", "secret/data/log/a", "version=1").json["data"]["data"] == {"x": "1"}
    assert sr.ok("list", "secret/metadata/log").out == "a\n"


def test_write_takes_fields_or_none_with_force(sr: Shell) -> None:
    sr.ok("write", "cubbyhole/a", "color=blue", "tags=x", "tags=y")
    data = sr.ok("read", "--json", "cubbyhole/a").json["data"]
    assert data == {"color": "blue", "tags": ["x", "y"]}
    assert sr("write", "cubbyhole/a").code == 2
    assert sr.ok("write", "-f", "sys/tools/random").out.startswith("KEY")


@pytest.mark.parametrize("command", ["read", "write"])
def test_only_what_must_be_given_is_called_missing(shell: Shell, command: str) -> None:
    ran = shell(command)
    assert ran.code == 2
    assert ran.err.splitlines()[0] == "strongroom: the following arguments are required: PATH"


def test_only_secret_looking_names_warn_in_write(sr: Shell) -> None:
    assert "warning" not in sr.ok("write", "cubbyhole/b", "ttl=5m").err
    assert "password" in sr.ok("write", "cubbyhole/b", "password=x").err


def test_delete_asks_names_and_obeys_dry_run(sr: Shell) -> None:
    sr.ok("write", "cubbyhole/c", "a=1")
    refused = sr("delete", "cubbyhole/c")
    assert refused.code == 2
    assert "cubbyhole/c" in refused.err
    assert "--yes" in refused.err
    assert "nothing was changed" in sr.ok("delete", "--dry-run", "cubbyhole/c").err
    sr.ok("read", "cubbyhole/c")
    sr.ok("delete", "--yes", "cubbyhole/c")
    assert sr("read", "cubbyhole/c").code == 1


def test_wrap_and_unwrap_and_lookup(sr: Shell) -> None:
    token = sr.ok("wrap", "--field", "wrapping_token", "password=-", stdin="s3").out
    assert (
        sr.ok("unwrap", "--lookup", "--field", "creation_path", "-", stdin=token).out == "sys/wrapping/wrap"
    )
    assert sr.ok("unwrap", "--field", "password", "-", stdin=token).out == "s3"


def test_unwrap_needs_no_login(sr: Shell, shell: Shell) -> None:
    token = sr.ok("wrap", "--field", "wrapping_token", "a=-", stdin="s3").out
    nobody = Shell(shell.home, {"STRONGROOM_ADDR": sr.settings["STRONGROOM_ADDR"]})
    assert nobody.ok("unwrap", "--field", "a", "-", stdin=token).out == "s3"


def test_path_help_tells_what_a_path_is_for(sr: Shell) -> None:
    assert "mounted secrets engines" in sr.ok("path-help", "sys/mounts").out


def test_the_curl_line_works_and_holds_neither_token_nor_value(sr: Shell) -> None:
    sr.ok("kv", "put", "secret/log/curl", "x=1", "--no-warn")
    line = sr.ok("kv", "get", "--output-curl", "secret/log/curl").out
    assert "root" not in line
    ran = subprocess.run(
        ["bash", "-c", line.replace("curl", "curl -s", 1)], env=sr.environ, capture_output=True, check=True
    )
    assert b'"x":"1"' in ran.stdout
    hidden = sr.ok("kv", "put", "--output-curl", "secret/log/curl", "x=-", stdin="top-secret").out
    assert "top-secret" not in hidden
    number = sr.ok(
        "kv", "put", "--output-curl", "--cas", "7", "secret/log/curl", "-", stdin='{"pin": 4711}'
    ).out
    assert "4711" not in number
    assert '"cas": 7' in number
    assert shlex.split(hidden)[0:3] == ["curl", "-X", "POST"]
    assert (
        "top-secret"
        in sr.ok(
            "kv",
            "put",
            "--output-curl-string",
            "--show-secrets",
            "secret/log/curl",
            "x=-",
            stdin="top-secret",
        ).out
    )
    assert '"x": "…"' in sr.ok("kv", "put", "--output-curl", "secret/log/curl", "x").out
    assert sr.ok("kv", "get", "--field", "x", "secret/log/curl").out == "1"


def test_the_policy_that_a_command_needs(sr: Shell) -> None:
    policy = sr.ok("kv", "put", "--output-policy", "secret/a", "x=1", "--no-warn").out
    assert policy == 'path "secret/data/a" {\n  capabilities = ["create", "update"]\n}\n'
    assert sr.ok("kv", "put", "--output-policy", "secret/a", "password").out == policy
    assert '["list"]' in sr.ok("list", "--output-policy", "secret/metadata").out
    assert '"sudo"' in sr.ok("read", "--output-policy", "sys/audit").out
    assert '["delete"]' in sr.ok("delete", "--output-policy", "secret/metadata/a").out


def test_formats_of_a_read(sr: Shell) -> None:
    sr.ok("write", "cubbyhole/f", "-", stdin='{"a": "x,\\ty", "b": {"c": [1, "no"]}}')
    assert (
        sr.ok("read", "--format", "csv", "cubbyhole/f").out
        == 'key,value\na,"x,\ty"\nb,"{""c"": [1, ""no""]}"\n'
    )
    assert sr.ok("read", "--format", "plain", "cubbyhole/f").out == 'a\tx,\ty\nb\t{"c": [1, "no"]}\n'
    assert '  b:\n    c:\n      - 1\n      - "no"\n' in sr.ok("read", "--format", "yaml", "cubbyhole/f").out
