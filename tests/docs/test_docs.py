"""The documentation holds: links lead somewhere, the API reference is current, every route has its line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert not broken


def test_the_api_reference_is_current(tmp_path: Path) -> None:
    made = tmp_path / "api.md"
    subprocess.run([sys.executable, ROOT / "scripts/api_reference.py", made], check=True)
    assert made.read_text("utf-8") == (ROOT / "docs/api.md").read_text("utf-8"), "run: make api-reference"


def test_every_route_says_what_it_is_for() -> None:
    rows = [line for line in (ROOT / "docs/api.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    silent = [line for line in rows if re.search(r"`[^`]+` \|  \|", line)]
    assert not silent
