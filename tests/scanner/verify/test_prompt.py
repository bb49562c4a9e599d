"""`strongroom revoke` at a terminal: typed without echo, seen by nobody, and only after a yes."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.errors import InvalidRequest
from strongroom.scanner import revoke
from strongroom.scanner.rules import Rules
from tests.scanner.verify.conftest import Provider
from tests.scanner.verify.test_revoke import GitHub, outside

__all__ = ["outside"]  # the fixture


class Terminal:
    """The command on a pseudo-terminal of its own."""

    def __init__(self, cwd: Path, environ: dict[str, str]) -> None:
        self._controller, follower = pty.openpty()
        command = [sys.executable, "-m", "strongroom", "revoke"]
        self.process = subprocess.Popen(
            command, stdin=follower, stdout=follower, stderr=follower, cwd=cwd, env=environ,
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
        self.seen += block.decode()
        return bool(block)


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code", "revoked"), [("n", 1, False), ("", 1, False), ("y", 0, True)])
def test_it_is_typed_unseen_and_needs_a_yes(
    tree: Path,
    provider: Provider,
    outside: dict[str, str],
    token: Callable[[str], str],
    answer: str,
    code: int,
    revoked: bool,
) -> None:
    github = GitHub()
    provider.say = github.say
    terminal = Terminal(tree, outside)
    terminal.until("hidden")
    terminal.type(token("typed"))
    terminal.until("Go on?")
    process = Path(f"/proc/{terminal.process.pid}")
    assert token("typed").encode() not in (process / "cmdline").read_bytes()
    assert token("typed").encode() not in (process / "environ").read_bytes()
    assert "login octocat" in terminal.seen
    terminal.type(answer)
    assert terminal.ended() == code
    assert github.revoked is revoked
    assert token("typed") not in terminal.seen


def test_the_type_is_told_from_the_value(builtin_rules: Rules, token: Callable[[str], str]) -> None:
    secret = token("type").encode()
    assert [d.id for d in revoke.types(builtin_rules, secret)] == ["github.personal_access_token"]
    assert [d.id for d in revoke.types(builtin_rules, secret, "github")] == ["github.personal_access_token"]
    assert [d.id for d in revoke.types(builtin_rules, b"x", "slack.bot_token")] == ["slack.bot_token"]
    assert not revoke.types(builtin_rules, b"no secret")


def test_a_provider_alone_names_what_it_revokes(builtin_rules: Rules) -> None:
    found = revoke.types(builtin_rules, b"nothing known", "hashicorp")
    assert {d.id for d in found} == {"hashicorp.vault_service_token", "hashicorp.vault_legacy_token"}


def test_an_unknown_type_is_refused(builtin_rules: Rules) -> None:
    with pytest.raises(InvalidRequest):
        revoke.types(builtin_rules, b"x", "nosuch")


def test_a_credential_does_not_print_itself(builtin_rules: Rules) -> None:
    detector = builtin_rules.detector("slack.bot_token")
    assert detector is not None
    assert repr(revoke.Credential(detector, b"xoxb-secret", {})) == "Credential(slack.bot_token)"
