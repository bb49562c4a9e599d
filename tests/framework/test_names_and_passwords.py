"""Username templates and generated passwords."""

import pytest

from strongroom.errors import InvalidRequest
from strongroom.framework.passwords import DEFAULT, Charset, PasswordPolicy, checked, generate
from strongroom.framework.usernames import Facts, check, render
from strongroom.system.password_policies import parsed

FACTS = Facts("to'ken;", "role-name", 1_700_000_000.0)


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("plain", "plain"),
        ("{{ .RoleName }}", "role-name"),
        ("{{.DisplayName}}", "to-ken-"),
        ("{{ .RoleName | truncate 4 | uppercase }}", "ROLE"),
        ('{{ printf "a-%s-%d" (.RoleName | truncate 4) 7 }}', "a-role-7"),
        ('{{ replace "-" "_" .RoleName }}', "role_name"),
        ("{{ unix_time }}", "1700000000"),
        ('{{ timestamp "2006-01-02" }}', "2023-11-14"),
        ("{{ .RoleName | truncate_sha256 40 }}", "role-name"),
        ('{{ base64 "a" }}', "YQ=="),
    ],
)
def test_templates(template: str, made: str) -> None:
    assert render(template, FACTS) == made


@pytest.mark.parametrize(
    "template",
    [
        *(
            "{{ .Secret }}",
            "{{ env }}",
            "{{ random }}",
            "{{ (random 3 }}",
            "{{ random 3) }}",
            "{{",
            "",
            "{{ 'x' }}",
        ),
        *("{{ random 1000 }}", '{{ printf "%s" }}', "x" * 2000, "{{ random 3 | truncate }}"),
    ],
)
def test_what_is_no_template(template: str) -> None:
    with pytest.raises(InvalidRequest):
        render(template, FACTS)


def test_a_template_must_make_new_names() -> None:
    check("{{ random 20 }}")
    check("{{ uuid }}")
    for same in ("app", "{{ .RoleName }}-{{ unix_time }}", '{{ printf "long-%s" (random 20) | truncate 5 }}'):
        with pytest.raises(InvalidRequest, match="same name"):
            check(same)


def test_passwords_keep_the_rules() -> None:
    for _ in range(50):
        made = generate(DEFAULT)
        assert len(made) == 20
        assert all(any(c in charset.characters for c in made) for charset in DEFAULT.charsets)


def test_policies_as_written() -> None:
    policy = parsed('length = 12\nrule "charset" {\n charset = "aab"\n min-chars = 3\n}')
    assert policy == PasswordPolicy(12, (Charset("ab", 3),))
    assert parsed('{"length": 12, "rule": {"charset": {"charset": "ab", "min-chars": 3}}}') == policy


@pytest.mark.parametrize(
    "text",
    [
        'length = 3\nrule "charset" { charset = "a" }',
        "length = 10",
        'length = 10\nrule "charset" { charset = "" }',
        'length = 10\nrule "other" { charset = "a" }',
        'length = 10\nrule "charset" { charset = "a" min-chars = 11 }',
        'size = 10\nrule "charset" { charset = "a" }',
    ],
)
def test_policies_that_cannot_be(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parsed(text)


def test_rules_that_luck_does_not_meet() -> None:
    tight = PasswordPolicy(100, (Charset("a", 50), Charset("bcdefghijklm", 50)))
    with pytest.raises(InvalidRequest, match="too tight"):
        generate(checked(tight), lambda characters, length: characters[0] * length)
