"""A whole `strongroom scan --verify`, in its own process, through a proxy to a provider on loopback."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.scanner import examples, scan
from strongroom.scanner.finding import Report
from strongroom.scanner.rules import Rules
from strongroom.scanner.sources.files import FilesSource
from strongroom.scanner.verify import Checker, Choice, check
from strongroom.scanner.verify.pace import Pace
from strongroom.scanner.verify.transport import Https
from tests.scanner.verify.conftest import Provider, Reply, Seen
from tests.scanner.verify.test_canaries import _key_id as key_id
from tests.scanner.verify.test_transport import Relay


def _scanned(
    tree: Path, rules: Rules, transport: Https, choice: Choice = Choice()
) -> tuple[Report, list[str]]:
    report = scan.scan(FilesSource([str(tree)]), rules)
    checker = Checker(transport, choice, pace=Pace(lambda: 0.0, lambda _: None))
    return report, check(report.findings, report.findings, checker)


def _validity(report: Report) -> dict[str, str]:
    return {found.detector.id: found.validity for found in report.findings}


AWS_SECRET = "kM8vQ2nX5rT9wL3pZ7yB1cF6hJ4dG0sVaE+uI/oN"
TWILIO = "3f9a1c7be02d4865a1f0c9d87e6b5a42"


def test_an_account_beside_its_token_goes_into_the_call(
    tree: Path, builtin_rules: Rules, provider: Provider, transport: Https
) -> None:
    sid = examples.draw("AC<hex:32>", "sid")
    (tree / "settings.env").write_text(f"TWILIO_ACCOUNT_SID={sid}\nTWILIO_AUTH_TOKEN={TWILIO}\n")
    provider.answers(Reply(200, {"friendly_name": "Acme", "status": "active"}))
    report, _ = _scanned(tree, builtin_rules, transport, Choice(only=("twilio",)))
    seen = provider.seen[0]
    assert seen.target == f"/2010-04-01/Accounts/{sid}.json"
    assert base64.b64decode(seen.headers["authorization"][6:]).decode() == f"{sid}:{TWILIO}"
    assert _validity(report)["twilio.auth_token"] == "live"


def test_an_account_in_another_file_is_not_taken(
    tree: Path, builtin_rules: Rules, provider: Provider, transport: Https
) -> None:
    (tree / "a.env").write_text(examples.draw("TWILIO_ACCOUNT_SID=AC<hex:32>\n", "sid"))
    (tree / "b.env").write_text(f"TWILIO_AUTH_TOKEN={TWILIO}\n")
    report, warnings = _scanned(tree, builtin_rules, transport, Choice(only=("twilio",)))
    assert not provider.seen
    assert _validity(report)["twilio.auth_token"] == "unknown"
    assert any("no twilio.account_sid beside it" in text for text in warnings)


@pytest.mark.parametrize("canary", [True, False])
def test_a_canary_is_never_touched(
    tree: Path, builtin_rules: Rules, provider: Provider, transport: Https, canary: bool
) -> None:
    id = key_id("052310077262" if canary else "609629065308")
    (tree / "credentials").write_text(f"aws_access_key_id = {id}\naws_secret_access_key = {AWS_SECRET}\n")
    provider.answers(Reply(403, "<Error><Code>InvalidClientTokenId</Code></Error>"))
    report, _ = _scanned(tree, builtin_rules, transport)
    told = {found.validity for found in report.findings if found.detector.provider == "aws"}
    assert told == ({"canary"} if canary else {"dead"})
    assert bool(provider.seen) is not canary


def test_a_host_comes_from_the_text_around(
    tree: Path, builtin_rules: Rules, provider: Provider, transport: Https
) -> None:
    text = examples.draw(
        "host: https://dbc-1a2b3c4d-5e6f.cloud.databricks.com\ntoken: dapi<hex:32>\n", "near"
    )
    (tree / "databricks.yaml").write_text(text)
    only = Choice(only=("databricks.personal_access_token",))
    _, warnings = _scanned(tree, builtin_rules, transport, only)
    (told,) = [text for text in warnings if text.startswith("databricks.")]
    assert "certificate" in told  # ours is not for that host, so it was asked, and told nothing
    assert not provider.seen


@pytest.fixture
def outside(provider: Provider, authority: tuple[Path, Path], tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a process whose way out is a proxy to the provider."""
    relay = Relay(provider.port)
    yield {
        **os.environ,
        "HTTPS_PROXY": f"http://127.0.0.1:{relay.port}",
        "SSL_CERT_FILE": str(authority[0]),
        "STRONGROOM_CACHE": os.environ["STRONGROOM_CACHE"],
        "HOME": str(tmp_path),
    }
    relay.close()


def _run(
    arguments: list[str], cwd: Path, environ: dict[str, str], given: str = ""
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "strongroom", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environ, input=given, capture_output=True, text=True, check=False
    )


def _answers(live: str) -> Callable[[Seen], Reply]:
    def say(seen: Seen) -> Reply:
        if seen.headers.get("authorization") == f"Bearer {live}":
            return Reply(200, {"login": "octocat"}, {"X-OAuth-Scopes": "repo"})
        return Reply(401, {"message": "Bad credentials"})

    return say


FORMATS = ("text", "json", "jsonl", "csv", "sarif", "gitlab", "junit", "html", "codequality")


def test_all_reports_show_what_is_live(
    tree: Path, provider: Provider, outside: dict[str, str], token: Callable[[str], str]
) -> None:
    live, dead = token("live"), token("dead")
    (tree / "app.env").write_text(f"A={live}\nB={dead}\n")
    provider.say = _answers(live)
    for name in FORMATS:
        done = _run(["scan", ".", "--verify", "--format", name], tree, outside)
        assert done.returncode == 1
        assert "live" in done.stdout
        assert "dead" in done.stdout or "no longer works" in done.stdout
        assert live not in done.stdout + done.stderr
        assert dead not in done.stdout + done.stderr
    assert len(provider.seen) == 2  # the other eight times the answers were remembered


def test_what_is_remembered_holds_no_secret(
    tree: Path, provider: Provider, outside: dict[str, str], token: Callable[[str], str]
) -> None:
    live = token("remembered")
    (tree / "app.env").write_text(f"A={live}\n")
    provider.say = _answers(live)
    assert _run(["scan", ".", "--verify"], tree, outside).returncode == 1
    kept = [file for file in Path(outside["STRONGROOM_CACHE"]).iterdir() if file.name.startswith("verified")]
    assert kept
    assert all(live.encode() not in file.read_bytes() for file in Path(outside["STRONGROOM_CACHE"]).iterdir())
    assert all(file.stat().st_mode & 0o077 == 0 for file in kept)


def test_nothing_is_asked_unless_it_is_said(
    tree: Path, provider: Provider, outside: dict[str, str], token: Callable[[str], str]
) -> None:
    (tree / "app.env").write_text(f"A={token('quiet')}\n")
    assert _run(["scan", "."], tree, outside).returncode == 1
    _run(["scan", ".", "--verify-only", "gitlab"], tree, outside)
    _run(["scan", ".", "--verify", "--verify-except", "github"], tree, outside)
    assert not provider.seen
    done = _run(["scan", ".", "--verify-only", "github", "--format", "json"], tree, outside)
    assert len(provider.seen) == 1
    assert json.loads(done.stdout)["findings"][0]["validity"] == "unknown"


def test_what_is_live_is_not_hidden_by_an_inline_marker(
    tree: Path, provider: Provider, outside: dict[str, str], token: Callable[[str], str]
) -> None:
    live = token("hidden")
    (tree / "app.py").write_text(f'KEY = "{live}"  # strongroom:allow it is a sample\n')
    provider.say = _answers(live)
    assert _run(["scan", "."], tree, outside).returncode == 0
    done = _run(["scan", ".", "--verify"], tree, outside)
    assert done.returncode == 1
    assert "is live" in done.stderr


def test_no_network_leaves_it_unknown(
    tree: Path, outside: dict[str, str], token: Callable[[str], str]
) -> None:
    (tree / "app.env").write_text(f"A={token('offline')}\n")
    done = _run(["scan", ".", "--verify"], tree, {**outside, "HTTPS_PROXY": "http://127.0.0.1:1"})
    assert done.returncode == 1
    assert "not told live or dead: no connection" in done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ["--verify-host", "gitlab"],
        ["--verify-host", "gitlab=https://git.example.com/"],
        ["--verify-proxy", "socks5://proxy"],
        ["--verify-timeout", "0"],
        ["--verify-only", "githbu"],
        ["--verify-except", "nobody.token"],
    ],
)
def test_wrong_options_are_usage_errors(
    tree: Path, outside: dict[str, str], token: Callable[[str], str], wrong: list[str]
) -> None:
    (tree / "app.env").write_text(f"A={token('usage')}\n")
    assert _run(["scan", ".", "--verify", *wrong], tree, outside).returncode == 2
