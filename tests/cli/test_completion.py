"""Completion, through the function that a real bash calls, against a real server."""

import shlex
import subprocess
import time

import pytest

from tests.cli.conftest import BINARY, Shell

pytestmark = pytest.mark.slow


def _bash(sr: Shell, line: str) -> list[str]:
    """What bash would offer after this line."""
    script = f"""
        source <(strongroom completion bash)
        COMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}}
        read -ra COMP_WORDS <<< "$COMP_LINE"
        [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        compopt() {{ :; }}
        _strongroom
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{BINARY.parent}:/usr/bin:/bin"
    ran = subprocess.run(
        ["bash", "-c", script], env={**sr.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    return [word for word in ran.stdout.splitlines() if word]


@pytest.fixture
def filled(sr: Shell) -> Shell:
    sr.ok("kv", "put", "secret/comp/one", "a=1", "--no-warn")
    sr.ok("kv", "put", "secret/comp/deep/two", "a=1", "--no-warn")
    return sr


def test_bash_completes_commands_and_options(sr: Shell) -> None:
    assert _bash(sr, "strongroom sta") == ["status"]
    assert _bash(sr, "strongroom kv un") == ["undelete"]
    assert _bash(sr, "strongroom kv metadata g") == ["get"]
    assert "--show-secrets" in _bash(sr, "strongroom kv get --sh")
    assert _bash(sr, "strongroom kv get --format j") == ["json"]
    assert _bash(sr, "strongroom completion f") == ["fish"]


def test_bash_completes_mounts_folders_and_secrets(filled: Shell) -> None:
    assert "secret/" in _bash(filled, "strongroom kv get s")
    assert "secret/comp/" in _bash(filled, "strongroom kv get secret/com")
    assert _bash(filled, "strongroom kv get secret/comp/") == ["secret/comp/deep/", "secret/comp/one"]
    assert _bash(filled, "strongroom kv get --version 1 secret/comp/o") == ["secret/comp/one"]
    assert "sys/" in _bash(filled, "strongroom read sy")


def test_a_name_that_the_shell_would_act_on_is_escaped(sr: Shell) -> None:
    for name in ("$(touch pwned)", "b;id", "c d/e f"):
        sr.ok("kv", "put", f"secret/odd/{name}", "a=1", "--no-warn")
    assert _bash(sr, "strongroom kv get secret/odd/") == [
        r"secret/odd/\$\(touch\ pwned\)",
        r"secret/odd/b\;id",
        r"secret/odd/c\ d/",
    ]
    assert _bash(sr, r"strongroom kv get secret/odd/c\ d/") == [r"secret/odd/c\ d/e\ f"]


def test_no_server_and_no_rights_offer_nothing_and_say_nothing(sr: Shell, limited: Shell) -> None:
    nobody = Shell(sr.home, {"STRONGROOM_ADDR": "http://127.0.0.1:1", "STRONGROOM_TOKEN": "t"})
    ran = nobody("__complete", "kv\nget\nsecret/")
    assert ran == (0, "", "")
    assert limited("__complete", "kv\nget\nsecret/comp/") == (0, "", "")
    assert sr("__complete").code == 0
    assert sr("__complete", "nonsense\n") == (0, "", "")


def test_an_unreachable_server_costs_no_more_than_the_budget(shell: Shell) -> None:
    nobody = Shell(shell.home, {"STRONGROOM_ADDR": "http://192.0.2.1:8200", "STRONGROOM_TOKEN": "t"})
    began = time.monotonic()
    assert nobody("__complete", "kv\nget\nsecret/").out == ""
    assert time.monotonic() - began < 30.0  # a connection that nobody answers would take a minute and more


def test_names_are_kept_for_a_moment_in_private_and_values_never(filled: Shell) -> None:
    filled.ok("kv", "put", "secret/comp/one", "a=canary-value", "--no-warn")
    filled.ok("__complete", "kv\nget\nsecret/comp/")
    kept = list((filled.home / ".cache" / "strongroom" / "paths").iterdir())
    assert kept
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept)
    assert not any("canary" in path.read_text() or "root" in path.read_text() for path in kept)
    nobody = Shell(filled.home, {**filled.settings, "STRONGROOM_TOKEN": "another"})
    assert nobody.ok("__complete", "kv\nget\nsecret/comp/").out == ""


def _in(shell: str, sr: Shell, script: str) -> list[str]:
    environ = {**sr.environ, "PATH": f"{BINARY.parent}:/usr/bin:/bin"}
    ran = subprocess.run([shell, "-c", script], env=environ, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()


@pytest.mark.component("fish")
def test_fish_completes(filled: Shell) -> None:
    script = "strongroom completion fish | source; complete --do-complete "
    assert _in("fish", filled, f"{script}'strongroom sta'") == ["status"]
    assert _in("fish", filled, f"{script}'strongroom kv get secret/comp/o'") == ["secret/comp/one"]


@pytest.mark.component("zsh")
def test_zsh_completes(filled: Shell) -> None:
    script = """
        compdef() { : }
        compadd() { while [[ $1 != -- ]]; do shift; done; shift; (( $# )) && print -l -- $@ }
        source <(strongroom completion zsh)
        words=(%s); CURRENT=$#words; _strongroom; true
    """
    assert _in("zsh", filled, script % "strongroom sta") == ["status"]
    offered = _in("zsh", filled, script % "strongroom kv get secret/comp/")
    assert sorted(offered) == ["secret/comp/deep/", "secret/comp/one"]
    assert "undelete" in _in("zsh", filled, script % "strongroom kv ''")
