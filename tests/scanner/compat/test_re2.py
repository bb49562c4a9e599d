"""Go patterns in Python: what Go's documentation says they match."""

import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.errors import InvalidRequest
from strongroom.scanner.compat import re2


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"ab(?i)cd", "abCD", "abCD"),
        (r"ab(?i)cd", "ABcd", None),
        (r"(a(?i)b)c", "aBc", "aBc"),
        (r"(a(?i)b)c", "aBC", None),
        (r"x(?i)y|z", "Z", "Z"),
        (r"(?i)x(?-i)y", "Xy", "Xy"),
        (r"(?i)x(?-i)y", "XY", None),
        (r"a$", "a\n", None),
        (r"(?m)a$", "a\nb", "a"),
        (r"a\z", "a", "a"),
        (r"\Qa.b\E+", "a.bb", "a.bb"),
        (r"\Qa.b", "a.b", "a.b"),
        (r"[[:alpha:]]+", "12ab3", "ab"),
        (r"[^[:space:]]+", " ab ", "ab"),
        (r"\x{e9}", "é", "é"),
        (r"é+", "éé", "éé"),
        (r"[é]", "é", "\udcc3"),
        (r"\pL+", "1éa", "éa"),
        (r"\p{Lu}", "aB", "B"),
        (r"\PN", "1a", "a"),
        (r"(?P<n>a)(?<m>b)", "ab", "ab"),
        (r"(?U)a+", "aaa", "a"),
        (r"(?U)a+?", "aaa", "aaa"),
        (r"a{,2}", "a{,2}", "a{,2}"),
        (r"a{2}", "aaa", "aa"),
        (r"a{x", "a{x", "a{x"),
        (r"\s", "\v", None),
        (r"[\s]", "\f", "\f"),
        (r"[]a]", "]", "]"),
        (r"[a[b]", "[", "["),
        (r"[a&&b]+", "&&", "&&"),
        (r"(?s).+", "a\nb", "a\nb"),
        (r"(?i:A)a", "aa", "aa"),
        (r"a|b|", "b", "b"),
        (r"\d+\w\b", "12a ", "12a"),
        (r"\.\-\/", ".-/", ".-/"),
    ],
)
def test_a_go_pattern_means_the_same(pattern: str, text: str, found: str | None) -> None:
    match = re2.compile_go(pattern).search(text.encode())
    assert (match and match[0]) == (None if found is None else found.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    "pattern", ["(", ")", "[a", "a**", r"(?=x)", r"\pX(", r"[\PL]", "[[:^alpha:]]", r"[[:nope:]]"]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidRequest, match="pattern"):
        re2.compile_go(pattern)


@given(st.text(alphabet="ab()[]|^$.*+?{}\\dsQEpLxiU:<>P!é-,12 ", max_size=30))
def test_any_text_is_a_pattern_or_an_error(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            assert isinstance(re2.compile_go(pattern), re.Pattern)
        except InvalidRequest:
            return


@given(st.text(alphabet="abcXYZ0-9 .", min_size=1, max_size=20), st.text(alphabet="abcXYZ0-9 .", max_size=40))
def test_a_quoted_text_matches_itself_only(literal: str, text: str) -> None:
    found = re2.compile_go(rf"\Q{literal}\E").search(text.encode())
    assert (found is not None) == (literal in text)
