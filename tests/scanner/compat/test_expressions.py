"""betterleaks' filter expressions."""

from typing import Any

import pytest

from strongroom.errors import InvalidRequest
from strongroom.scanner.compat import expressions

NAMES: dict[str, Any] = {
    "attributes": {"path": "src/a.md", "git.author_name": "x[bot]"},
    "finding": {"secret": "abcEXAMPLE", "line": "key = abcEXAMPLE", "rule_id": "k"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('attributes["path"] == "src/a.md"', True),
        ('attributes[?"path"].orValue("").endsWith(".md")', True),
        ('attributes[?"fs.symlink"].orValue("none")', "none"),
        ('attributes["absent"].startsWith("x")', False),
        (r'filter.matchesAny(attributes["path"], [r"""(?i)\.(?:MD|txt)$"""])', True),
        (r"matchesAny(attributes['path'], [`\.go$`, `^src/`])", True),
        ('filter.containsAny(finding["secret"], ["example", "test"])', True),
        ('filter.entropy(finding["secret"]) <= 2.5', False),
        ('filter.failsTokenEfficiency("changethispassword")', True),
        ('filter.failsTokenEfficiency("x9Kq2Lm4Zp")', False),
        ('!(finding["rule_id"] in ["a", "k"])', False),
        ('finding["rule_id"] == "k" && finding["line"].contains("key") || false', True),
        ('finding["secret"] contains "EXAMPLE" and not false', True),
        ('finding.secret startsWith "abc"', True),
        ('true ? "a" + "b" : "c"', "ab"),
        ("1 + 2 > 2 // a comment", True),
        ("-1 < 0", True),
        ('size(finding["secret"])', 10),
        ('"a\\"b" == "a\\"b"', True),
    ],
)
def test_an_expression_has_its_value(text: str, value: object) -> None:
    assert expressions.parse(text, "f")(NAMES) == value


@pytest.mark.parametrize(
    "text",
    ["", "(", "a b", "unknown(1)", "open", '"x".explode()', "1 +", "[1", "@", 'http.get("x")', "true true"],
)
def test_what_is_not_read_is_an_error(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^f: "):
        expressions.parse(text, "f")
