"""Expressions restored from the cache are those that `re.compile` makes."""

import re
from pathlib import Path
from typing import cast

import pytest

from strongroom.scanner import cache, formats, generic_assign, generic_judge, generic_triggers, kept_patterns
from strongroom.scanner.kept_patterns import SOME, Kept
from strongroom.scanner.lazy_pattern import _Lazy

EXPRESSIONS: list[tuple[str | bytes, int]] = [
    *((trigger.pattern.encode(), 0) for trigger in generic_triggers.TRIGGERS),
    *(
        value._source
        for module in (generic_assign, generic_judge)
        for value in vars(module).values()
        if isinstance(value, _Lazy)
    ),
    (r"(?P<first>\w+)(?:,(?P<second>\d{2,5}?))?(?=x|y)(.)\3", 0),
    (r"é[à-ü]+\s", re.IGNORECASE | re.DOTALL),
    (rb"(?i)[^\x00-\x1f]{3}", 0),
    ("(?:" + "|".join(f"({reader.path})" for reader in formats.READERS) + ")$", re.DOTALL),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STRONGROOM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fill(kept: Kept) -> list[object]:
    return [kept.compiled(cast("str", pattern), flags) for pattern, flags in EXPRESSIONS]


def test_what_is_restored_equals_what_re_compiles() -> None:
    first, second = Kept(), Kept()
    first.use()
    made = fill(first)
    first.keep()
    second.use()
    assert len(second._known or ()) == len(set(EXPRESSIONS))
    expected = [re.compile(pattern, flags) for pattern, flags in EXPRESSIONS]
    assert made == expected
    assert fill(second) == expected
    assert second._new == {}
    assert [found.groupindex for found in fill(second) if isinstance(found, re.Pattern)] == [
        e.groupindex for e in expected
    ]


def test_before_it_is_used_nothing_is_kept(folder: Path) -> None:
    kept = Kept()
    fill(kept)
    kept.keep()
    assert not folder.exists()


def test_a_few_new_expressions_are_not_written(folder: Path) -> None:
    kept = Kept()
    kept.use()
    kept.compiled("a[bc]d" * 10)
    kept.keep()
    assert not folder.exists()


def test_each_worker_adds_to_what_others_wrote() -> None:
    one, two, three = Kept(), Kept(), Kept()
    for kept, name in ((one, "one"), (two, "two")):
        kept.use()
        kept.compiled(name + "a[bc]d" * SOME)
    one.keep()
    two.keep()
    three.use()
    assert len(three._known or ()) == 2


def test_a_damaged_or_foreign_entry_is_compiled_anew(folder: Path) -> None:
    bad: dict[tuple[str, int], object] = {
        ("a+", 0): (0, b"\xff" * 8, 0, {}),
        ("b+", 0): (0, b"odd", 0, {}),
        ("c+", 0): None,
    }
    folder.mkdir(mode=0o700)
    cache.write(kept_patterns._NAME, {"stamp": kept_patterns._STAMP, "kept": bad})
    kept = Kept()
    kept.use()
    assert [kept.compiled(text) for text, _ in bad] == [re.compile(text) for text, _ in bad]


@pytest.mark.parametrize("content", [None, [1], {"stamp": (0, "2.7", 1), "kept": {("a", 0): ()}}])
def test_what_another_version_kept_is_not_read(content: object, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    cache.write(kept_patterns._NAME, content)
    kept = Kept()
    kept.use()
    assert kept._known == {}


def test_a_wrong_expression_is_told_as_re_tells_it() -> None:
    kept = Kept()
    kept.use()
    with pytest.raises(re.error, match="unterminated"):
        kept.compiled("(a")
