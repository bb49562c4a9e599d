"""The engines find the same, the matcher confirms and settles overlaps."""

import base64
from collections.abc import Callable

import pytest

from strongroom.scanner import examples, rules
from strongroom.scanner.detector import Detector
from strongroom.scanner.matcher import Matcher
from strongroom.scanner.rules import Rules

Token = Callable[[str], str]

HOLDS = {("googlechat.webhook_url", "google.api_key")}  # the first really holds the second


def _examples(found: Rules) -> list[tuple[Detector, bytes]]:
    drawn = []
    for d in rules.builtin():
        for number, text in enumerate(d.matches, 1):
            drawn.append((d, examples.draw(text, f"{d.id}+{number}").encode()))
    return drawn


def _ids(matcher: Matcher, data: bytes, path: str = "") -> list[str]:
    return [m.detector.id for m in matcher.scan(path, data)]


def test_a_token_is_found_where_it_stands(matcher: Matcher, token: Token) -> None:
    secret = token("one").encode()
    (match,) = matcher.scan("", b"x = 1\n  key: '" + secret + b"'\n")
    assert (match.secret, match.start, match.detector.id) == (secret, 14, "github.personal_access_token")


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_a_token_is_found_in_base64_at_every_alignment(matcher: Matcher, token: Token, shift: int) -> None:
    inner = b"x" * shift + b"token=" + token("two").encode() + b"\nmore text"
    data = b"data: " + base64.b64encode(inner) + b"\n"
    found = [m for m in matcher.scan("", data) if m.detector.id == "github.personal_access_token"]
    assert [m.secret for m in found] == [token("two").encode()]
    assert "stands in base64" in found[0].reasons


def test_equal_windows_have_equal_answers_at_their_own_places(matcher: Matcher, token: Token) -> None:
    line = b"key: '" + token("three").encode() + b"' # rest of the line that fills the window\n" + b"-" * 400
    starts = [m.start for m in matcher.scan("", line * 3)]
    assert starts == [6, 6 + len(line), 6 + 2 * len(line)]


def test_a_precise_detector_wins_over_context_and_generic(matcher: Matcher, token: Token) -> None:
    assert _ids(matcher, f"github_password = '{token('four')}'\n".encode()) == [
        "github.personal_access_token"
    ]


def test_a_wrong_checksum_lowers_the_confidence(matcher: Matcher) -> None:
    data = f"GITHUB={examples.draw('ghp_<alnum:36>', 'five')}\n".encode()
    (match,) = [m for m in matcher.scan("", data) if m.detector.provider == "github"]
    assert match.confidence == "low"


def test_a_long_base64_value_is_found_though_its_signs_cut_it(matcher: Matcher) -> None:
    value = "DmTnZuJNlE+TvfQN7T+NdrIDgzwKDebxeuVKeVxcsoytcZA6"
    assert _ids(matcher, f"self.clockify_api_key = '{value}'\n".encode()) == ["clockify.api_key"]


@pytest.mark.slow
def test_every_example_is_reported_by_the_whole_set(builtin_rules: Rules, matcher: Matcher) -> None:
    """Perhaps under a stronger detector's id, but never lost."""
    lost = [
        (d.id, data) for d, data in _examples(builtin_rules) if not matcher.scan("", b"\n" + data + b"\n")
    ]
    assert lost == []


@pytest.mark.slow
def test_no_example_fires_another_providers_precise_detector(builtin_rules: Rules, matcher: Matcher) -> None:
    wrong = set()
    for d, data in _examples(builtin_rules):
        for m in matcher.scan("", b"\n" + data + b"\n"):
            both = m.detector.kind == d.kind == "precise"
            if both and m.detector.provider != d.provider and (d.id, m.detector.id) not in HOLDS:
                wrong.add((d.id, m.detector.id))
    assert wrong == set()


@pytest.mark.slow
def test_both_engines_find_the_same(builtin_rules: Rules, matcher: Matcher) -> None:
    plain = rules.load(portable=True)
    portable = Matcher(plain, plain.engine())
    data = b"\n".join(data for _, data in _examples(builtin_rules)) + b"\n"
    for at in range(0, len(data), 50_000):
        piece = data[at : at + 50_000]
        assert [(m.detector.id, m.start, m.end) for m in portable.scan("", piece)] == [
            (m.detector.id, m.start, m.end) for m in matcher.scan("", piece)
        ]
