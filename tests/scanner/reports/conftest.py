"""A small report with everything that reports must cope with, the same on each run."""

import re
from pathlib import Path

import pytest

from strongroom.scanner import scan
from strongroom.scanner.detector import Detector
from strongroom.scanner.finding import Match, Report
from strongroom.scanner.reports import Style
from strongroom.scanner.sources.files import FilesSource

KEY = Detector(
    "acme.api_key",
    "Acme API key",
    "precise",
    "high",
    "critical",
    "Revoke it at Acme.",
    docs="https://acme.example/keys",
)
WORD = Detector("generic.word", "Word <b>\"&'", "generic", "low", "medium", "Change it")
SECRETS = ("acme_0123456789abcdefghij", "acme_ZYXWVUTSRQ9876543210", "wörd<i>&;\"'word")


class Finder:
    """Finds the two kinds above by pattern: reports are tested apart from the detectors."""

    def scan(self, path: str, data: bytes, *, binary: bool = False, version: object = None) -> list[Match]:
        found = [
            Match(KEY, *m.span(), m[0], "high", "critical", reasons=("has the provider's format",))
            for m in re.finditer(rb"acme_[0-9A-Za-z]{20}", data)
        ]
        found += [
            Match(WORD, *m.span(1), m[1], "low", "medium", 0.6) for m in re.finditer(rb"word=(\S+)", data)
        ]
        return sorted(found, key=lambda m: m.start)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, current, with secrets: two on a line, one twice, one that would break markup."""
    place = tmp_path / "tree"
    (place / "src").mkdir(parents=True)
    (place / "src/app.env").write_text(f"A=1\n  KEY={SECRETS[0]} OTHER={SECRETS[1]}\n")
    (place / "src/ü b.txt").write_text(f"é😀 {SECRETS[0]}\r\nword={SECRETS[2]}\n")
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def report(tree: Path) -> Report:
    """The scan of the tree."""
    made = scan.scan(FilesSource(["."]), Finder())
    made.seconds = 1.5
    made.warnings = ["big.bin: too large <script>"]
    made.findings[0].validity = "live"
    made.findings[0].reach = {"account": "acme-1"}
    return made


@pytest.fixture
def style(tree: Path) -> Style:
    """A fixed time, and paths below the tree."""
    return Style(root=str(tree), now=1_800_000_000.0)
