"""What only a terminal shows: hidden prompts, questions, hidden values; nothing secret in `ps`."""

import os
import pty
import select
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import BINARY, Shell

pytestmark = pytest.mark.slow


class Terminal:
    """A command on a pseudo-terminal of its own."""

    def __init__(self, shell: Shell, *words: str) -> None:
        self._controller, follower = pty.openpty()
        environ = {**shell.environ, "TERM": "xterm"}
        self.process = subprocess.Popen(
            [BINARY, *words], stdin=follower, stdout=follower, stderr=follower, env=environ, cwd=shell.home,
            start_new_session=True,
        )  # fmt: skip
        os.close(follower)
        self.seen = ""

    def until(self, text: str) -> None:
        while text not in self.seen:
            assert self._read(), self.seen

    def type(self, text: str) -> None:
        os.write(self._controller, f"{text}\n".encode())

    def ended(self) -> int:
        while self._read():
            pass
        os.close(self._controller)
        return self.process.wait(20)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._controller], [], [], 20)
        try:
            block = os.read(self._controller, 4096) if ready else b""
        except OSError:
            block = b""
        self.seen += block.decode().replace("\r\n", "\n")
        return bool(block)


def test_a_name_alone_asks_without_echo(sr: Shell) -> None:
    terminal = Terminal(sr, "kv", "put", "secret/tty/a", "password")
    terminal.until("password (hidden): ")
    terminal.type("canary-value")
    assert terminal.ended() == 0
    assert "canary-value" not in terminal.seen
    assert sr.ok("kv", "get", "--field", "password", "secret/tty/a").out == "canary-value"


def test_a_prompt_is_never_shown_without_a_terminal(sr: Shell) -> None:
    ran = sr("kv", "put", "secret/tty/b", "password")
    assert ran.code == 2
    assert "password=-" in ran.err


def test_values_are_hidden_on_a_terminal_until_asked_for(sr: Shell) -> None:
    sr.ok("kv", "put", "secret/tty/c", "long=0123456789abcdefghijWXYZ", "short=abc", "--no-warn")
    terminal = Terminal(sr, "kv", "get", "secret/tty/c")
    assert terminal.ended() == 0
    assert "••••WXYZ" in terminal.seen
    assert "0123456789" not in terminal.seen
    assert "abc\n" not in terminal.seen
    assert "--show-secrets" in terminal.seen
    terminal = Terminal(sr, "kv", "get", "--reveal", "secret/tty/c")
    assert terminal.ended() == 0
    assert "0123456789abcdefghijWXYZ" in terminal.seen
    terminal = Terminal(sr, "kv", "get", "--field", "short", "secret/tty/c")
    assert terminal.ended() == 0
    assert terminal.seen == "abc\n"


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_destroying_asks_first(sr: Shell, answer: str, code: int) -> None:
    sr.ok("kv", "put", "secret/tty/d", "a=1", "--no-warn")
    terminal = Terminal(sr, "kv", "metadata", "delete", "secret/tty/d")
    terminal.until("[y/N] ")
    terminal.type(answer)
    assert terminal.ended() == code
    assert "delete secret/tty/d with all its versions" in terminal.seen
    assert sr("kv", "metadata", "get", "secret/tty/d").code == (1 if code == 0 else 0)


def test_a_share_and_a_token_are_asked_without_echo(sr: Shell) -> None:
    terminal = Terminal(Shell(sr.home, {"STRONGROOM_ADDR": sr.settings["STRONGROOM_ADDR"]}), "login")
    terminal.until("token (hidden): ")
    terminal.type("root")
    assert terminal.ended() == 0
    terminal = Terminal(sr, "operator", "unseal")
    terminal.until("key share (hidden): ")
    terminal.type("canary-share")
    terminal.ended()
    assert "canary-share" not in terminal.seen


def test_interrupting_a_prompt_is_no_crash(sr: Shell) -> None:
    terminal = Terminal(sr, "kv", "put", "secret/tty/e", "password")
    terminal.until("(hidden): ")
    terminal.process.send_signal(2)
    assert terminal.ended() == 130
    assert "Traceback" not in terminal.seen


def test_what_a_secret_holds_cannot_move_the_cursor(sr: Shell) -> None:
    sr.ok("kv", "put", "secret/tty/f", "-", stdin='{"a": "\\u001b[2Jgone"}')
    terminal = Terminal(sr, "kv", "get", "--show-secrets", "secret/tty/f")
    assert terminal.ended() == 0
    assert "\x1b[2J" not in terminal.seen
    assert sr.ok("kv", "get", "--field", "a", "secret/tty/f").out == "\x1b[2Jgone"


def test_no_color_is_obeyed_and_color_can_be_forced(sr: Shell) -> None:
    assert "\x1b[" not in sr.ok("whoami").out
    assert "\x1b[1m" in sr.ok("whoami", "--color", "always").out
    forced = Shell(sr.home, {**sr.settings})
    environ = {name: value for name, value in forced.environ.items() if name != "NO_COLOR"} | {
        "FORCE_COLOR": "1"
    }
    ran = subprocess.run([BINARY, "whoami"], env=environ, capture_output=True, text=True, check=True)
    assert "\x1b[1m" in ran.stdout


def test_the_process_list_shows_no_value(sr: Shell) -> None:
    """Values from standard input and the token are in no command line while the command runs."""
    process = subprocess.Popen(
        [BINARY, "kv", "put", "secret/tty/g", "password=-"],
        env=sr.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b"canary-")
    process.stdin.flush()
    line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert b"canary" not in line
    assert b"root" not in line
    out, err = process.communicate(b"value", timeout=20)
    assert process.returncode == 0
    assert b"canary" not in out + err


def test_errors_hold_no_value(sr: Shell, limited: Shell) -> None:
    for shell in (sr, limited):
        for words in (
            ("kv", "put", "--cas", "99", "secret/tty/h", "password=-"),
            ("write", "nowhere/at/all", "password=-"),
            ("kv", "put", "secret/tty/h", "-"),
        ):
            ran = shell(*words, stdin="canary-value")
            assert ran.code != 0
            assert "canary" not in ran.out + ran.err


def test_a_reader_that_goes_away_is_no_crash(sr: Shell) -> None:
    process = subprocess.Popen(
        [BINARY, "--help"], env=sr.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        said = process.stderr.read()
    assert process.wait(20) == 0
    assert said == b""
