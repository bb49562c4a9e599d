"""Every detector file: it parses, both engines take it, and it does what its examples say.

`pytest tests/scanner/test_detectors.py -k <provider>` checks one file.
"""

from collections import Counter
from pathlib import Path

import pytest

import strongroom.scanner
from strongroom.scanner import detector, selftest

FOLDER = Path(strongroom.scanner.__file__).parent / "detectors"
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_detector_file_does_what_its_examples_say(path: Path) -> None:
    found = detector.load(path)
    assert found, "a file holds at least one detector"
    problems = [f"{d.id}: {problem}" for d in found for problem in selftest.problems(d)]
    problems += [
        f"{d.id}: the id does not begin with the file's name" for d in found if d.provider != path.stem
    ]
    assert not problems, "\n".join(problems)


def test_ids_are_unique() -> None:
    counted = Counter(d.id for path in FILES for d in detector.load(path))
    assert [i for i, n in counted.items() if n > 1] == []
