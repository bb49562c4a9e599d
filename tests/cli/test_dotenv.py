"""Files of variables, read as the tools that own them read them."""

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.cli.dotenv import parsed
from strongroom.cli.errors import Failure

TEXT = """# comment
A=plain value  # note
export B="two\\nlines \\"quoted\\" \\$x" # note
C='single # no \\n escape'
D=
  E = spaced#kept

F="first
second"
"""


def test_every_way_of_writing_a_value() -> None:
    found = {one.name: one.value for one in parsed(TEXT, ".env")}
    assert found == {
        "A": "plain value",
        "B": 'two\nlines "quoted" $x',
        "C": "single # no \\n escape",
        "D": "",
        "E": "spaced#kept",
        "F": "first\nsecond",
    }
    assert [one.line for one in parsed(TEXT, ".env")] == [2, 3, 4, 5, 6, 8]


def test_a_value_stands_where_it_is_said_to() -> None:
    spans = {one.name: TEXT[one.start : one.end] for one in parsed(TEXT, ".env")}
    assert spans["A"] == "plain value"
    assert spans["C"] == "single # no \\n escape"
    assert spans["E"] == "spaced#kept"


@pytest.mark.parametrize("text", ["A", "1A=x", "A='open", 'A="open\nB=1', "A=x\nnot a line s3cret"])
def test_a_line_that_cannot_be_read_is_named_and_not_shown(text: str) -> None:
    with pytest.raises(Failure, match="line") as failure:
        parsed(text, ".env")
    assert "s3cret" not in str(failure.value)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="ascii", exclude_characters="\0'\r"), max_size=20))
def test_single_quotes_mean_what_the_shell_takes_them_for(value: str) -> None:
    text = f"export X='{value}'\n"
    shell = subprocess.run(
        ["sh", "-c", f'{text}printf %s "$X"'],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert parsed(text, ".env")[0].value.encode() == shell.stdout
