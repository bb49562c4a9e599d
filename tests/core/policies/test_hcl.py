"""The parser for policy files: what it reads, and where it says a fault is."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.core.policies.hcl import Item, Object, Value, parse
from strongroom.errors import InvalidRequest


def plain(value: Value) -> Any:
    if isinstance(value, Object):
        return {item.keys[0]: plain(item.value) for item in value.items}
    return [plain(member) for member in value] if isinstance(value, list) else value


def only(text: str) -> Item:
    (item,) = parse(text).items
    return item


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a = "x"', "x"),
        ("a = 5", 5),
        ("a = -5", -5),
        ("a = 1.5e3", 1500.0),
        ("a = 0x1F", 31),
        ("a = true", True),
        ("a = false", False),
        ("a = []", []),
        ('a = ["x", 1, true,]', ["x", 1, True]),
        ('a = ["x",,"y"]', ["x", "y"]),
        ('a { b = 1, c = "d" }', {"b": 1, "c": "d"}),
        ('a = { "b" = [{c = 1}] }', {"b": [{"c": 1}]}),
        ("a = <<EOF\nline 1\n line 2\nEOF\n", "line 1\n line 2\n"),
        ("a = <<-EOF\n  line 1\n    line 2\n  EOF\n", "line 1\n  line 2\n"),
        ("a = <<EOF\nEOF", ""),
        (r'a = "\n\t\\\"\u00e9\x41\101\U0001F600"', '\n\t\\"éAA😀'),
        ('a = "${x("y")}"', '${x("y")}'),
        ('a = "${{x}}"', "${{x}}"),
        ('a = "}{{x}}"', "}{{x}}"),
        ('# one\n// two\n/* three\n */ a /* b */ = /* c */ "x" # end', "x"),
    ],
)
def test_values(text: str, value: object) -> None:
    assert plain(only(text).value) == value


def test_blocks_have_labels_and_places() -> None:
    first, second = parse('path "a" {}\n\n  path "b" { c = 1 }').items
    assert (first.keys, first.where) == (("path", "a"), "1:1")
    assert (second.keys, second.where) == (("path", "b"), "3:3")
    assert isinstance(second.value, Object)
    assert second.value.items[0].where == "3:14"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('path "a" {', "1:11"),
        ('path "a" {\n  capabilities = [\n', "3:1"),
        ("path 'a' {}", "1:6"),
        ('path "a', "1:6"),
        ('path "a\nb" {}', "1:6"),
        (r'a = "\q"', "1:6"),
        (r'a = "\ud800"', "1:6"),
        (r'a = "\UFFFFFFFF"', "1:6"),
        ("a = <<EOF\nx", "1:5"),
        ('a = ["x" "y"]', "1:10"),
        ("a = [b]", "1:6"),
        ("a = ", "1:5"),
        ("= 1", "1:1"),
        ('path "a" = {}', "1:10"),
        ("a", "1:2"),
        ("}", "1:1"),
        ("a = 1 ]", "1:7"),
        ("a { b = 1; }", "1:10"),
        ("a = /* x", "1:5"),
        ("{", "1:2"),
        ('{"a": 1} x', "1:10"),
        ("{a: 1}", "1:2"),
        ('{"a" = 1}', "1:6"),
        ('{"a": nil}', "1:7"),
        ("a = null", "1:5"),
    ],
)
def test_faults_name_line_and_column(text: str, where: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"^at {where}: "):
        parse(text)


@pytest.mark.parametrize("text", ["a = " + "[" * 40, "a {" * 40, "a = 1 " * 200_000])
def test_depth_and_length_are_bounded(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse(text)


scalars = (
    st.text(st.characters(codec="utf-8", exclude_characters="$"), max_size=8) | st.integers() | st.booleans()
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw is, on a busy machine
@given(st.dictionaries(st.text("abc-_", min_size=1), documents, max_size=4))
def test_any_json_object_reads_as_json_does(document: dict[str, Any]) -> None:
    assert plain(parse(json.dumps(document))) == document


@given(st.text(max_size=60) | st.text('{}[]"=,# \n\\abc<$', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidRequest):
        parse(text)
