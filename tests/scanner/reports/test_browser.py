"""The HTML report in a real browser: its style sheet is applied, nothing else loads or runs."""

import io
import subprocess
from pathlib import Path

import pytest

from strongroom.scanner import reports
from strongroom.scanner.finding import Report
from strongroom.scanner.reports import Style

pytestmark = [pytest.mark.slow, pytest.mark.component("chromium")]


def test_the_page_has_its_style_and_breaks_no_policy(report: Report, style: Style, tmp_path: Path) -> None:
    stream = io.StringIO()
    reports.render("html", report, stream, style)
    page = tmp_path / "report.html"
    probe = tmp_path / "picture.png"
    page.write_text(stream.getvalue(), "utf-8")
    done = subprocess.run(
        [
            "chromium-headless-shell", "--no-sandbox", "--enable-logging=stderr", "--v=0", "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=800,600", f"--screenshot={probe}",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )  # fmt: skip
    assert probe.stat().st_size > 5000
    assert "Content Security Policy" not in done.stderr
