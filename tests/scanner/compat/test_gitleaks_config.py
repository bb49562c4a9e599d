"""gitleaks' configurations: where they are found, what they extend, what is wrong with them."""

from pathlib import Path

import pytest

from strongroom.errors import InvalidRequest
from strongroom.scanner import examples
from strongroom.scanner.compat import gitleaks_config

from .leaks import CONFIG, reported


def test_without_a_configuration_our_detectors_speak_with_gitleaks_names(place: Path) -> None:
    (place / "tree/t.env").write_text(f"TOKEN={examples.draw('<checksum:github:ghp_>', 'gitleaks')}\n")
    _, found = reported("dir", "tree/t.env")
    assert [leak["RuleID"] for leak in found] == ["github-pat"]
    (place / "c2.toml").write_text('[extend]\nuseDefault = true\ndisabledRules = ["github-pat"]\n')
    assert reported("dir", "tree/t.env", "-c", "c2.toml") == (0, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rules]]\nid='a'", "neither `regex` nor `path`"),
        ("[[rules]]\nregex='a'", "`id` is missing"),
        ("[[rules]]\nid='a'\nregex='('", r"rule 1 \(a\): pattern"),
        ("[[rules]]\nid='a'\nregex='a'\nsecretGroup=1", "`secretGroup` is 1"),
        ("[[allowlists]]\ncondition='XOR'\npaths=['a']", "OR or AND"),
        ("[[allowlists]]\ndescription='x'", "commits, paths, regexes or stopwords"),
        ("[extend]\nurl='https://x.example'", "pin it"),
        ("filter='nope('", "filter"),
        ("[[", "not TOML"),
    ],
)
def test_a_wrong_configuration_says_where(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        gitleaks_config.parse(text, "c.toml", ".")


def test_a_configuration_extends_another(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(CONFIG)
    text = """
    [extend]
    path = "base.toml"
    disabledRules = ["multi"]
    [[rules]]
    id = "my-key"
    entropy = 3.5
    [allowlist]
    paths = ["old spelling"]
    """
    config = gitleaks_config.parse(text, "c.toml", str(tmp_path))
    assert "multi" not in config.rules
    rule = config.rules["my-key"]
    assert (rule.entropy, rule.keywords, len(rule.allows)) == (3.5, (b"mykey",), 2)
    assert len(config.allows) == 2


def test_the_configuration_is_found_where_gitleaks_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gitleaks_config.find("", str(tmp_path)).builtin
    (tmp_path / ".gitleaks.toml").write_text(CONFIG)
    assert "my-key" in gitleaks_config.find("", str(tmp_path)).rules
    monkeypatch.setenv("GITLEAKS_CONFIG_TOML", "[[rules]]\nid='v'\nregex='v'")
    assert "v" in gitleaks_config.find("", str(tmp_path)).rules


def test_betterleaks_filters_leave_out(place: Path) -> None:
    (place / "b.toml").write_text(
        """
        prefilter = '''matchesAny(attributes["path"], [`vendor/`])'''
        filter = '''finding["secret"] contains "sample"'''
        [[rules]]
        id = "k"
        description = "K"
        regex = 'mykey=([a-z0-9]+)'
        filter = '''attributes[?"path"].orValue("").endsWith("line.txt")'''
        """
    )
    _, found = reported("dir", "tree", "-c", "b.toml")
    assert {leak["File"] for leak in found} == {
        "tree/first.txt", "tree/sub/a.txt", "tree/wide.txt", "tree/allowed/x",
    }  # fmt: skip
    assert not [leak for leak in found if "sample" in leak["Secret"]]
