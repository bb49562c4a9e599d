"""The score, the names and the rules that exclude."""

import pytest

from strongroom.scanner import scoring
from strongroom.scanner.falsealarms import harmless, placeholder, reference, sequential
from strongroom.scanner.generic_language import place_of
from strongroom.scanner.generic_names import Named, classify
from strongroom.scanner.scoring_text import covered, entropy, surprise

PASSWORD = Named("password", 1.0)
CODE, CONFIG = place_of("a/b.py"), place_of("a/b.ini")


def _score(value: str, named: Named = PASSWORD, *, quoted: bool = True) -> float:
    return scoring.score(scoring.Subject(named, value, "assign", quoted, CODE, False)).value


@pytest.mark.parametrize("value", ["hunter2", "Tr0ub4dor&3", "qwe123rty", "admin123", "zxsdfqwp"])
def test_weak_passwords_still_count(value: str) -> None:
    assert _score(value) >= scoring.THRESHOLD


@pytest.mark.parametrize("value", ["reset_token", "Enter the name", "userService", "settings.auth.name"])
def test_words_and_identifiers_do_not(value: str) -> None:
    assert _score(value) < scoring.THRESHOLD


def test_every_feature_has_a_weight_and_a_reason() -> None:
    assert set(scoring.weights()) == {"bias", *scoring.REASONS}
    subject = scoring.Subject(PASSWORD, "a b", "assign", True, CODE, True)
    assert set(scoring.features(subject)) - {"assign"} <= set(scoring.REASONS)


def test_the_reasons_name_what_moved_the_score() -> None:
    result = scoring.score(scoring.Subject(PASSWORD, "Tr0ub4dor&3", "assign", True, CONFIG, True))
    assert result.value > 0.9
    assert "named as a password" in result.reasons


@pytest.mark.parametrize(
    "name", ["password", "dbPassword", "DB_PASS_PROD", "mysql_pwd", "keyPassword", "userpass", "pass1"]
)
def test_names_of_passwords(name: str) -> None:
    assert classify(name) == PASSWORD


@pytest.mark.parametrize(
    "name", ["apiKey", "client_secret", "authToken", "AccountKey", "secretKeyBase", "STRIPE_KEY", "sig"]
)
def test_names_of_other_secrets(name: str) -> None:
    assert classify(name) is not None


@pytest.mark.parametrize(
    "name",
    [
        "password_field",
        "token_type",
        "max_tokens",
        "primary_key",
        "public_key",
        "bypass",
        "monkey",
        "keyboard",
        "nextPageToken",
        "csrf_token",
        "password_reset_url",
        "sort_key",
        "pubkey256",
        "api_key_id",
        "compass",
        "PasswordPolicy",
        "oauth_nonce",
        "cacheKey",
    ],
)
def test_names_that_promise_no_secret(name: str) -> None:
    assert classify(name) is None


@pytest.mark.parametrize(
    "value",
    [
        "${PW}",
        "{{ pw }}",
        "<password>",
        "changeme",
        "your-token",
        "xxxxxxxx",
        "$PASS",
        "%(pw)s",
        "abcdefgh12",
        "12345678901234567890",
    ],
)
def test_placeholders(value: str) -> None:
    assert placeholder(value)


@pytest.mark.parametrize(
    "value",
    ["true", "password", "my-secret-key", "/etc/ssl/private.key", "https://x/y", "1.2.3", "[a-z]+", "%s:%s"],
)
def test_harmless_values(value: str) -> None:
    assert harmless(value)


@pytest.mark.parametrize(
    "value", ["hunter2", "P4$$w0rD", "s3cr3t!pw", "toor99x", "wtfbbq", "correct-horse-battery-7"]
)
def test_real_values_are_neither(value: str) -> None:
    assert not placeholder(value)
    assert not harmless(value)


def test_references_and_runs() -> None:
    assert reference("config.password")
    assert reference("get_password()")
    assert not reference("hunter2")
    assert sequential("abcdefghijkl")
    assert not sequential("zq8rt2mlp")


def test_text_measures_tell_words_from_chance() -> None:
    assert covered("get_user_token") == 1.0
    assert covered("zxqvkjw") == 0.0
    assert surprise("password") < surprise("zxqvkjw")
    assert entropy("") == 0.0
    assert entropy("abcd") == 2.0


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a/b.py", "code"),
        (".env.prod", "config"),
        ("Dockerfile", "shell"),
        ("README.md", "text"),
        ("x.xml", "markup"),
        ("", ""),
    ],
)
def test_the_path_tells_the_language(path: str, kind: str) -> None:
    assert place_of(path).kind == kind


def test_the_path_tells_tests_translations_and_locks() -> None:
    assert place_of("src/test/java/A.java").test
    assert place_of("app/locales/de.yml").locale
    assert place_of("yarn.lock").lock
    assert place_of("docs/examples/a.py").sample
