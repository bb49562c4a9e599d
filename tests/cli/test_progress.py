"""The progress line."""

import io

from strongroom.cli import progress
from strongroom.scanner.sources.files import FilesSource


def test_a_known_total_makes_a_bar_with_what_is_left() -> None:
    line = progress.describe(1204, 250_000_000, 2.0, 1_000_000_000)
    assert line == "[██████··················]  25%  1,204 read, 250 MB, 125 MB/s, 6 s left"
    assert progress.describe(1, 2_000_000, 0.0, 1_000_000).startswith("[" + "█" * progress.BAR + "] 100%")


def test_an_unknown_total_makes_a_count() -> None:
    assert progress.describe(3, 1_000_000, 1.0, 0) == "3 read, 1 MB, 1 MB/s"


def test_a_short_scan_draws_nothing_and_a_long_one_cleans_up() -> None:
    stream = io.StringIO()
    shown = progress.Progress(FilesSource(["."]), stream)
    shown(1, 1)
    shown.clear()
    assert stream.getvalue() == ""
    shown._started -= 10
    shown(1, 1)
    shown.clear()
    assert "1 read" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")
