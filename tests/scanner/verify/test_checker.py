"""Providers' documented answers, and what the live check makes of them."""

import json
import time
from collections.abc import Callable

import pytest

from strongroom.scanner.detector import Detector
from strongroom.scanner.matcher import Matcher
from strongroom.scanner.rules import Rules
from strongroom.scanner.verify import Checker, Choice
from strongroom.scanner.verify.memory import Memory
from strongroom.scanner.verify.pace import Pace
from strongroom.scanner.verify.transport import Https
from tests.scanner.verify.conftest import Provider, Reply, Seen

SECRET = b"Zq8vT3nW5yR1mK7pL2dF9xB4"


class Hands:
    """A clock that moves only when somebody sleeps on it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def checker(transport: Https, hands: Hands) -> Checker:
    return Checker(transport, pace=Pace(hands.clock, hands.sleep))


@pytest.fixture
def github(builtin_rules: Rules) -> Detector:
    found = builtin_rules.detector("github.personal_access_token")
    assert found is not None
    return found


HTML = {"Content-Type": "text/html; charset=utf-8"}
JSON = {"Content-Type": "application/json"}
GITHUB_USER = {"login": "octocat", "id": 1, "name": "The Octocat", "email": None}
GITHUB_401 = {
    "message": "Bad credentials",
    "documentation_url": "https://docs.github.com/rest",
    "status": "401",
}

ANSWERS = [
    ("live", Reply(200, GITHUB_USER), "live", ""),
    ("bad credentials", Reply(401, GITHUB_401), "dead", ""),
    ("forbidden", Reply(403, {"message": "rate limit exceeded"}), "unknown", "status 403"),
    ("too many", Reply(429, {"message": "slow down"}), "unknown", "status 429"),
    ("broken", Reply(500, "oops"), "unknown", "status 500"),
    ("gateway", Reply(502, "<html>Bad gateway</html>", HTML), "unknown", "status 502"),
    ("busy", Reply(503, "maintenance"), "unknown", "status 503"),
    ("moved", Reply(302, "", {"Location": "https://git.example.com/"}), "unknown", "redirect"),
    ("moved for good", Reply(301, "", {"Location": "https://api.github.com/users"}), "unknown", "redirect"),
    ("teapot", Reply(418, "short and stout"), "unknown", "status 418"),
    ("a page", Reply(200, "<html>Welcome</html>", HTML), "unknown", "a web page"),
    ("no JSON", Reply(200, b"\x00\xffgarbage", JSON), "unknown", "not what it says"),
    ("empty", Reply(204, ""), "unknown", "status 204"),
    ("huge", Reply(200, b" " * (1 << 20) + b"{}", JSON), "live", ""),
]


@pytest.mark.parametrize(
    ("reply", "validity", "why"), [row[1:] for row in ANSWERS], ids=[r[0] for r in ANSWERS]
)
def test_only_what_the_table_names_decides(
    provider: Provider, checker: Checker, github: Detector, reply: Reply, validity: str, why: str
) -> None:
    provider.answers(reply)
    verdict = checker.ask(github, SECRET, {})
    assert verdict.validity == validity
    assert why in verdict.why
    assert not any(seen.host == "git.example.com" for seen in provider.seen)


def test_the_request_is_the_tables_and_says_who_asks(
    provider: Provider, checker: Checker, github: Detector
) -> None:
    provider.answers(Reply(200, GITHUB_USER, {"X-OAuth-Scopes": "repo, read:org"}))
    verdict = checker.ask(github, SECRET, {})
    (seen,) = provider.seen
    assert (seen.method, seen.host, seen.target) == ("GET", "api.github.com", "/user")
    assert seen.headers["authorization"] == f"Bearer {SECRET.decode()}"
    assert seen.headers["user-agent"].startswith("strongroom/")
    assert dict(verdict.reach)["login"] == "octocat"
    assert dict(verdict.reach)["x-oauth-scopes"] == "repo, read:org"


def test_an_answer_that_quotes_the_secret_does_not_spread_it(
    provider: Provider, checker: Checker, github: Detector
) -> None:
    provider.answers(Reply(200, {"login": f"key {SECRET.decode()}", "name": "x\x1b[31mred"}))
    verdict = checker.ask(github, SECRET, {})
    assert verdict.validity == "live"
    assert SECRET.decode() not in repr(verdict)
    assert "\x1b" not in repr(dict(verdict.reach)["name"])


@pytest.mark.parametrize(
    ("body", "validity"),
    [
        ({"ok": True, "url": "https://acme.slack.com/", "team": "Acme", "user": "bot"}, "live"),
        ({"ok": False, "error": "invalid_auth"}, "dead"),
        ({"ok": False, "error": "token_revoked"}, "dead"),
        ({"ok": False, "error": "ratelimited"}, "unknown"),
        ({"ok": False, "error": "internal_error"}, "unknown"),
    ],
)
def test_bodies_decide_where_every_answer_is_200(
    provider: Provider, checker: Checker, builtin_rules: Rules, body: object, validity: str
) -> None:
    provider.answers(Reply(200, body))
    slack = builtin_rules.detector("slack.bot_token")
    assert slack is not None
    assert checker.ask(slack, SECRET, {}).validity == validity


def test_a_busy_host_is_asked_again_when_it_said(
    provider: Provider, checker: Checker, github: Detector, hands: Hands
) -> None:
    provider.answers(Reply(429, "", {"Retry-After": "7"}), Reply(200, GITHUB_USER))
    assert checker.ask(github, SECRET, {}).validity == "live"
    assert sum(hands.slept) == pytest.approx(7, abs=0.3)


def test_a_host_that_asks_for_long_is_left_alone(
    provider: Provider, checker: Checker, github: Detector
) -> None:
    provider.answers(Reply(429, "", {"Retry-After": "3600"}))
    assert checker.ask(github, SECRET, {}).validity == "unknown"
    assert "left alone" in checker.ask(github, b"another-value-entirely", {}).why
    assert len(provider.seen) == 1


def test_calls_to_one_host_are_spread(
    provider: Provider, checker: Checker, github: Detector, hands: Hands
) -> None:
    provider.answers(Reply(401, GITHUB_401))
    for number in range(11):
        checker.ask(github, SECRET + str(number).encode(), {})
    assert hands.now == pytest.approx(2.0)


def test_a_host_that_never_answers_is_given_up(github: Detector, silent: int, hands: Hands) -> None:
    transport = Https(0.05, resolve=lambda _: [("127.0.0.1", silent)], environ={})
    checker = Checker(transport, pace=Pace(hands.clock, hands.sleep))
    reasons = [checker.ask(github, SECRET, {}).why for _ in range(5)]
    assert reasons[0] == "timeout"
    assert reasons[-1] == "it does not answer"


def test_what_was_answered_is_not_asked_again(
    provider: Provider, transport: Https, github: Detector, hands: Hands
) -> None:
    provider.answers(Reply(200, GITHUB_USER), Reply(401, GITHUB_401))
    now = [1_000_000.0]
    for expected, later in (("live", 0.0), ("live", 3000.0), ("dead", 1000.0), ("dead", 80000.0)):
        now[0] += later
        checker = Checker(transport, memory=Memory(clock=lambda: now[0]), pace=Pace(hands.clock, hands.sleep))
        verdict = checker.ask(github, SECRET, {})
        assert verdict.validity == expected
        checker.forget()
    assert len(provider.seen) == 2


def test_an_unknown_answer_is_not_remembered(
    provider: Provider, transport: Https, github: Detector, hands: Hands
) -> None:
    provider.answers(Reply(500, ""), Reply(200, GITHUB_USER))
    for expected in ("unknown", "live"):
        checker = Checker(transport, memory=Memory(), pace=Pace(hands.clock, hands.sleep))
        assert checker.ask(github, SECRET + b"-once", {}).validity == expected
        checker.forget()


def test_a_host_of_the_users_is_asked_instead(
    provider: Provider, transport: Https, builtin_rules: Rules
) -> None:
    provider.answers(Reply(200, {"name": "deploy", "scopes": ["api"], "user_id": 7}))
    gitlab = builtin_rules.detector("gitlab.personal_access_token")
    assert gitlab is not None
    checker = Checker(transport, Choice(hosts=(("gitlab", "git.example.com:8443"),)))
    assert checker.ask(gitlab, SECRET, {}).validity == "live"
    assert provider.seen[0].host == "git.example.com:8443"


def test_aws_is_asked_with_a_signature(provider: Provider, checker: Checker, builtin_rules: Rules) -> None:
    answer = {"Account": "609629065308", "Arn": "arn:aws:iam::609629065308:user/ci", "UserId": "AIDA"}
    provider.answers(Reply(200, {"GetCallerIdentityResponse": {"GetCallerIdentityResult": answer}}))
    aws = builtin_rules.detector("aws.secret_access_key")
    assert aws is not None
    verdict = checker.ask(aws, b"a" * 40, {"key_id": "AKIAY34FZKBOKMUTVV7A"})
    (seen,) = provider.seen
    assert verdict.validity == "live"
    assert "arn:aws:iam::609629065308:user/ci" in dict(verdict.reach).values()
    assert seen.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAY34FZKBOKMUTVV7A/")
    assert b"GetCallerIdentity" in seen.body
    assert "a" * 40 not in str(seen)


def test_a_temporary_aws_key_needs_its_session(checker: Checker, builtin_rules: Rules) -> None:
    aws = builtin_rules.detector("aws.secret_access_key")
    assert aws is not None
    verdict = checker.ask(aws, b"a" * 40, {"key_id": "ASIAY34FZKBOKMUTVV7A"})
    assert (verdict.validity, verdict.why) == (
        "unknown",
        "a temporary key is nothing without its session token",
    )


@pytest.mark.parametrize("secret", [b"line\nbreak", b"\xff\xfe", "schlüssel".encode(), b"nul\x00byte"])
def test_a_value_that_fits_no_header_is_never_sent(
    provider: Provider, checker: Checker, github: Detector, secret: bytes
) -> None:
    verdict = checker.ask(github, secret, {})
    assert verdict.validity == "unknown"
    assert not provider.seen


def test_consent_is_by_type(builtin_rules: Rules, matcher: Matcher, token: Callable[[str], str]) -> None:
    from strongroom.scanner.verify import call  # noqa: PLC0415

    github = builtin_rules.detector("github.personal_access_token")
    assert github is not None
    assert github.verify
    plain = call.read(github.verify)
    traced = plain._replace(effects="writes a line into the provider's log")
    assert Choice().allows(github, plain)
    assert not Choice().allows(github, traced)
    assert Choice(only=("github.personal_access_token",)).allows(github, traced)
    assert Choice(only=("github",)).allows(github, plain)
    assert Choice(only=("github.*",)).allows(github, plain)
    assert not Choice(only=("gitlab",)).allows(github, plain)
    assert not Choice(but=("github",)).allows(github, plain)


def test_a_slow_drip_is_cut(provider: Provider, transport: Https, github: Detector, silent: int) -> None:
    provider.answers(Reply(200, "{", {"Content-Length": "10"}))
    started = time.monotonic()
    transport.timeout = 0.1
    verdict = Checker(transport).ask(github, SECRET, {})
    assert verdict.validity == "unknown"
    assert time.monotonic() - started < 3


def test_json_bodies_are_escaped_and_forms_quoted(
    provider: Provider, checker: Checker, github: Detector
) -> None:
    bodies = []

    def say(seen: Seen) -> Reply:
        bodies.append(seen.body)
        return Reply(200, {})

    provider.say = say
    table = {"method": "POST", "url": "https://api.github.com/x", "live": [200]}
    as_json = github._replace(verify={**table, "body": '{"key":"{secret}"}'})
    as_form = github._replace(verify={**table, "body": "key={secret}&a=b"})
    odd = b'a"b\\c&d=e f'
    checker.ask(as_json, odd, {})
    checker.ask(as_form, odd, {})
    assert json.loads(bodies[0]) == {"key": odd.decode()}
    assert bodies[1] == b"key=a%22b%5Cc%26d%3De%20f&a=b"
