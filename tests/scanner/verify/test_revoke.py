"""`strongroom revoke` in its own process, and the revoker against providers' documented answers."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.scanner.revoke import ALREADY, REFUSED, REVOKED, UNANSWERED, Credential, Revoker
from strongroom.scanner.rules import Rules
from strongroom.scanner.verify import Checker, Choice
from strongroom.scanner.verify.pace import Pace
from strongroom.scanner.verify.transport import Https
from tests.scanner.verify.conftest import Provider, Reply, Seen
from tests.scanner.verify.test_canaries import _key_id as key_id
from tests.scanner.verify.test_scan import AWS_SECRET, _run
from tests.scanner.verify.test_transport import Relay


class GitHub:
    """Live until revoked, and `lag` looks longer."""

    def __init__(self, lag: int = 0, status: int = 202) -> None:
        self.revoked = False
        self.lag, self.status = lag, status

    def say(self, seen: Seen) -> Reply:
        if seen.target == "/credentials/revoke":
            self.revoked = self.status == 202
            return Reply(self.status)
        if self.revoked and self.lag == 0:
            return Reply(401, {"message": "Bad credentials"})
        self.lag -= self.revoked
        return Reply(200, {"login": "octocat"})


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def revoker(transport: Https, slept: list[float]) -> Revoker:
    return Revoker(Checker(transport, pace=Pace(lambda: 0.0, lambda _: None)), slept.append)


@pytest.fixture
def leaked(builtin_rules: Rules, token: Callable[[str], str]) -> Credential:
    detector = builtin_rules.detector("github.personal_access_token")
    assert detector is not None
    return Credential(detector, token("leaked").encode(), {})


def test_it_is_revoked_and_looked_at(provider: Provider, revoker: Revoker, leaked: Credential) -> None:
    provider.say = GitHub().say
    assert revoker.revoke(leaked)[::2] == (REVOKED, "dead")
    assert [seen.target for seen in provider.seen] == ["/credentials/revoke", "/user"]
    assert provider.seen[0].body == b'{"credentials":["' + leaked.secret + b'"]}'
    assert "authorization" not in provider.seen[0].headers


def test_a_slow_provider_is_looked_at_again(
    provider: Provider, revoker: Revoker, leaked: Credential, slept: list[float]
) -> None:
    provider.say = GitHub(lag=2).say
    assert revoker.revoke(leaked).after == "dead"
    assert len(slept) == 2


def test_what_stays_live_is_said(provider: Provider, revoker: Revoker, leaked: Credential) -> None:
    provider.say = GitHub(lag=99).say
    assert revoker.revoke(leaked)[::2] == (REVOKED, "live")


@pytest.mark.parametrize("status", [302, 403, 404, 422, 429, 500])
def test_another_answer_is_a_refusal(
    provider: Provider, revoker: Revoker, leaked: Credential, status: int
) -> None:
    provider.say = GitHub(status=status).say
    assert revoker.revoke(leaked).result == REFUSED


def test_what_was_dead_is_said(provider: Provider, revoker: Revoker, leaked: Credential) -> None:
    provider.answers(Reply(401, {"message": "Bad credentials"}))
    assert revoker.revoke(leaked).result == ALREADY


def test_no_answer_is_no_revocation(leaked: Credential, silent: int) -> None:
    transport = Https(0.05, resolve=lambda _: [("127.0.0.1", silent)], environ={})
    assert Revoker(Checker(transport)).revoke(leaked).result == UNANSWERED


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ({"ok": True, "revoked": True}, REVOKED),
        ({"ok": True, "revoked": False}, REFUSED),
        ({"ok": False, "error": "token_revoked"}, ALREADY),
        ({"ok": False, "error": "ratelimited"}, REFUSED),
    ],
)
def test_slack_says_it_in_the_body(
    provider: Provider, revoker: Revoker, builtin_rules: Rules, body: object, result: str
) -> None:
    detector = builtin_rules.detector("slack.bot_token")
    assert detector is not None
    provider.say = lambda seen: Reply(200, body if seen.target.endswith("revoke") else {"ok": False})
    assert revoker.revoke(Credential(detector, b"xoxb-1-2-abc", {})).result == result


def test_a_vault_of_the_users_revokes_its_token(
    provider: Provider, transport: Https, builtin_rules: Rules
) -> None:
    detector = builtin_rules.detector("hashicorp.vault_service_token")
    assert detector is not None
    choice = Choice(hosts=(("hashicorp", "vault.example.com:8200"),))
    provider.answers(Reply(204), Reply(403, {"errors": ["permission denied", "invalid token"]}))
    outcome = Revoker(Checker(transport, choice)).revoke(Credential(detector, b"hvs.abc", {}))
    assert outcome[::2] == (REVOKED, "dead")
    seen = provider.seen[0]
    assert (seen.method, seen.host, seen.target) == (
        "POST",
        "vault.example.com:8200",
        "/v1/auth/token/revoke-self",
    )


@pytest.fixture
def outside(provider: Provider, authority: tuple[Path, Path], tmp_path: Path) -> Iterator[dict[str, str]]:
    relay = Relay(provider.port)
    proxy = f"http://127.0.0.1:{relay.port}"
    yield {**os.environ, "HTTPS_PROXY": proxy, "SSL_CERT_FILE": str(authority[0]), "HOME": str(tmp_path)}
    relay.close()


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def test_from_standard_input(
    tree: Path, provider: Provider, outside: dict[str, str], token: Callable[[str], str]
) -> None:
    provider.say = GitHub().say
    done = _run(["revoke", "-", "--yes"], tree, outside, token("piped") + "\n")
    assert done.returncode == 0, done.stderr
    assert "GitHub personal access token" in done.stderr
    assert "login octocat" in done.stderr
    assert "is revoked and is dead" in done.stderr
    assert token("piped") not in _said(done)


def test_from_a_finding(
    tree: Path, provider: Provider, outside: dict[str, str], token: Callable[[str], str]
) -> None:
    provider.say = GitHub().say
    (tree / "app.env").write_text(f"A={token('found')}\n")
    report = _run(["scan", "."], tree, outside).stdout
    fingerprint = report.partition("fingerprint ")[2][:12]
    done = _run(["revoke", fingerprint, "--yes"], tree, outside)
    assert done.returncode == 0, done.stderr
    assert "is revoked and is dead" in done.stderr


def test_a_dry_run_sends_nothing_and_shows_no_secret(
    tree: Path, provider: Provider, outside: dict[str, str], token: Callable[[str], str]
) -> None:
    done = _run(["revoke", "-", "--dry-run"], tree, outside, token("dry"))
    assert done.returncode == 0
    assert done.stdout.startswith("POST https://api.github.com/credentials/revoke\n")
    assert "<secret>" in done.stdout
    assert token("dry") not in _said(done)
    assert not provider.seen


def test_nothing_is_revoked_without_a_yes(
    tree: Path, provider: Provider, outside: dict[str, str], token: Callable[[str], str]
) -> None:
    provider.say = GitHub().say
    done = _run(["revoke", "-"], tree, outside, token("asked"))
    assert done.returncode == 2
    assert all(seen.target == "/user" for seen in provider.seen)


def test_a_credential_on_the_command_line_is_refused_and_not_repeated(
    tree: Path, provider: Provider, outside: dict[str, str], token: Callable[[str], str]
) -> None:
    done = _run(["revoke", token("argv"), "--yes"], tree, outside)
    assert done.returncode == 2
    assert token("argv") not in _said(done)
    assert not provider.seen


def test_a_canary_is_not_revoked(tree: Path, provider: Provider, outside: dict[str, str]) -> None:
    part = f"key_id={key_id('052310077262')}"
    arguments = ["revoke", "-", "--yes", "--type", "aws.secret_access_key", "--part", part]
    done = _run(arguments, tree, outside, AWS_SECRET)
    assert done.returncode == 1
    assert "planted" in done.stderr
    assert not provider.seen


@pytest.mark.parametrize(
    ("arguments", "given", "code", "text"),
    [
        (["revoke", "-", "--yes"], "", 2, "missing"),
        (["revoke", "-", "--yes"], "no secret of any kind", 2, "cannot be told"),
        (["revoke", "-", "--yes", "--type", "nosuch"], "x", 2, "no such type"),
        (["revoke", "-", "--yes", "--type", "stripe.secret_key"], "x", 1, "cannot be revoked"),
        (["revoke", "0123456789abcdef", "--yes"], "", 2, "found nothing"),
        (["revoke", "--yes"], "", 2, "missing"),
    ],
)
def test_what_cannot_be_revoked_is_said(
    tree: Path, outside: dict[str, str], arguments: list[str], given: str, code: int, text: str
) -> None:
    done = _run(arguments, tree, outside, given)
    assert done.returncode == code
    assert text in done.stderr
