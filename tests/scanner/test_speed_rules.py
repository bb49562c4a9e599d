"""What makes a scan slow, counted on source code that every Python has; no clock decides."""

import sysconfig
from pathlib import Path

import pytest

from strongroom.scanner import confirm, context, engines, plan, regions, rules

pytest.importorskip("hyperscan")

WAKE_UPS = 600  # hits for a megabyte of source code
SHARE = 0.05  # of source code that is searched for names
WIDTH = 352  # bytes that a text searched again around a change costs on each side


def _source() -> list[bytes]:
    return [path.read_bytes() for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))]


def test_source_code_wakes_few_detectors() -> None:
    loaded = rules.load()
    engine = loaded.engine()
    texts = _source()
    hits = sum(len(engine.hits(text)) for text in texts)
    assert hits / (sum(map(len, texts)) / 1e6) < WAKE_UPS


def test_names_are_sought_in_a_small_part_of_source_code() -> None:
    database = engines.compile_database({0: regions.RUN})
    engine = engines.Hyperscan(database)
    searched = size = 0
    for text in _source():
        spans = regions.around(text, [end for _, end in engine.hits(text)])
        searched += sum(high - low for low, high in spans) if spans is not None else len(text)
        size += len(text)
    assert searched / size < SHARE


def test_most_names_wait_for_a_value() -> None:
    made = plan.make(rules.builtin(), [], literals=False)
    names = [index for index, (what, _) in enumerate(made.targets) if what == plan.NAME]
    assert sum(index in made.near for index in names) / len(names) > 0.8


def test_no_expression_is_wide() -> None:
    made = plan.make(rules.builtin(), [], literals=False)
    wide = {
        text: confirm.reach(text)
        for index, text in enumerate(made.expressions)
        if index not in made.near and confirm.reach(text) > WIDTH
    }
    assert wide == {}


def test_a_run_is_found_with_its_name() -> None:
    text = b"x = 1\n" * 40 + b'adafruit_io_key = "3f9d0c1b2a4e5f60718293a4b5c6d7e8"\n' + b"y = 2\n" * 40
    engine = engines.Hyperscan(engines.compile_database({0: regions.RUN}))
    spans = regions.around(text, [end for _, end in engine.hits(text)])
    assert spans is not None
    assert len(spans) == 1
    low, high = spans[0]
    assert b"adafruit_io_key" in text[low:high]
    assert text[low:high].rstrip(b'\n"').endswith(b"e8")


def test_a_dense_text_is_searched_whole() -> None:
    text = b"".join(b"%08d-%08d " % (n, n) for n in range(500))
    engine = engines.Hyperscan(engines.compile_database({0: regions.RUN}))
    assert regions.around(text, [end for _, end in engine.hits(text)]) is None


def test_values_that_runs_cannot_tell_are_sought_everywhere() -> None:
    assert context.stands_in_run("[0-9a-f]{32}")
    assert not context.stands_in_run("[0-9a-f]{16}")
    assert not context.stands_in_run("[a-z]{24}")
    assert not context.stands_in_run("[0-9a-z!$]{40}")
