"""YAML that is read back by a parser that agrees with YAML 1.2's JSON schema."""

import json
import subprocess
import sys

import pytest

from strongroom.cli.yaml import dumped

VALUES = [
    {"a": 1, "b": [1, "two", None, True], "c": {"d": {}}, "e": []},
    {
        "no": "no",
        "yes": "Yes",
        "null": "null",
        "n": "1",
        "float": "1e3",
        "empty": "",
        "colon": "a: b",
        "hash": "a #b",
    },
    {"text": "line\nline\n", "quote": "\"'", "tab": "\t", "emoji": "🔑", "escape": "\x1b[2J"},
    [[1, [2, {"x": [{"y": 1}]}]], []],
    {"- a": "- b", "? c": "!tag", "*d": "&e", "%f": "@g", "`": "|"},
]


@pytest.mark.parametrize("value", VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with the development tools")
    assert yaml.safe_load(dumped(value)) == value


@pytest.mark.parametrize("value", ["x", 1, None, True, {}, []])
def test_single_values(value: object) -> None:
    assert dumped(value) == ("x\n" if value == "x" else json.dumps(value) + "\n")


def test_it_is_not_loaded_unless_asked_for() -> None:
    code = "import sys, strongroom.cli.session; print('strongroom.cli.yaml' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )
