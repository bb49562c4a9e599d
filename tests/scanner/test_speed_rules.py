"""What makes a scan slow, counted on source code that every Python has; no clock decides."""

import re
import sysconfig
from pathlib import Path

import pytest

from strongroom.scanner import confirm, context, engines, plan, regions, rules

pytest.importorskip("hyperscan")

WAKE_UPS = 600  # hits for a megabyte of source code
WIDTH = 352  # bytes that a text searched again around a change costs on each side


def _source() -> list[bytes]:
    return [path.read_bytes() for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))]


def test_source_code_wakes_few_detectors() -> None:
    loaded = rules.load()
    engine = loaded.engine()
    texts = _source()
    hits = sum(len(engine.hits(text)) for text in texts)
    assert hits / (sum(map(len, texts)) / 1e6) < WAKE_UPS


def test_most_names_wait_for_a_value() -> None:
    made = plan.make(rules.builtin(), [], literals=False)
    names = [index for index, (what, _) in enumerate(made.targets) if what == plan.NAME]
    assert sum(index in made.near for index in names) / len(names) > 0.8


def test_no_expression_is_wide() -> None:
    made = plan.make(rules.builtin(), [], literals=False)
    wide = {text: confirm.reach(text) for text in made.expressions if confirm.reach(text) > WIDTH}
    assert wide == {}


def _kept(text: bytes) -> list[tuple[int, int]]:
    """Which of the names `name` in `text` are looked at where names stand dense."""
    names = [(0, found.end()) for found in re.finditer(b"name", text)]
    runs = engines.Hyperscan(engines.compile_database({0: regions.pattern()}))
    return list(regions.spoken(text, names, [end for _, end in runs.hits(text)], {0}))


@pytest.mark.parametrize(
    "value",
    [
        b"3f9d0c1b2a4e5f60718293a4b5c6d7e8",
        b"DmTnZuJNlE+TvfQN7T+NdrIDgzwKDebxeuVKeVcxsoytcZA6",
        b"abcdefghijklmnopqrs1",
        b"1abcdefghijklmnopqrs",
        b"abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqr9",
    ],
)
@pytest.mark.parametrize("joint", [b" = ", b'": "', b"=", b"\n    value: ", b"/x1/"])
def test_a_name_near_a_value_is_looked_at(value: bytes, joint: bytes) -> None:
    before = b"other = 1\n" * 40 + b"name"
    assert _kept(before + joint + value + b"\n" + b"x = 1\n" * 20 + b"name x = 1\n") == [(0, len(before))]


def test_a_name_far_from_any_value_is_not_looked_at() -> None:
    assert _kept(b"name = os.getenv('NAME_12')\n" * 400 + b"x" * 70 + b"\n" + b"0123456789" * 4 + b"\n") == []


def test_values_that_runs_cannot_tell_are_sought_everywhere() -> None:
    assert context.stands_in_run("[0-9a-f]{32}")
    assert not context.stands_in_run("[0-9a-f]{16}")
    assert not context.stands_in_run("[a-z]{24}")
    assert not context.stands_in_run("[0-9a-z!$]{40}")
