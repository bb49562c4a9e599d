"""Which reader reads a file; what most files are spared is proved over the expressions themselves."""

from re import _constants, _parser  # private: the only parser there is
from typing import Any

import pytest

from strongroom.scanner import formats


def _ways(parsed: Any) -> list[list[str]]:
    """The literal runs of each way through an expression, "" for a part that is none."""
    ways = [[""]]
    for what, of in parsed:
        parts: list[list[str]]
        if what is _constants.LITERAL:
            parts = [[chr(of)]]
        elif what is _constants.BRANCH:
            parts = [way for alternative in of[1] for way in _ways(alternative)]
        elif what is _constants.SUBPATTERN:
            parts = _ways(of[3])
        elif what is _constants.MAX_REPEAT and of[:2] == (0, 1):
            parts = [[""], *_ways(of[2])]
        else:
            parts = [["", ""]]
        ways = [[*way[:-1], way[-1] + part[0], *part[1:]] for way in ways for part in parts]
    return ways


@pytest.mark.parametrize("reader", formats.READERS, ids=[reader.name for reader in formats.READERS])
def test_no_reader_reads_a_plain_file_without_an_odd_part(reader: formats.Reader) -> None:
    for way in _ways(_parser.parse(reader.path)):
        end = way[-1]
        plain = any(f".{suffix}".endswith(end) or end.endswith(f".{suffix}") for suffix in formats.PLAIN)
        assert not plain or any(odd in run for run in way for odd in formats.ODD), way


def test_files_are_told_by_their_path() -> None:
    for path in (
        ".env.py",
        "wp-config.php.go",
        "env.js",
        "C:\\app\\.env",
        "x!db/dump.sql",
    ):
        assert formats.reader_for(path), path
    for path in ("src/app.py", "README.md", "environment/app.py", "a/b", ""):
        assert formats.reader_for(path) is None, path
