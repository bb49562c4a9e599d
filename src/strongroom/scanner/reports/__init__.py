"""Report formats by name: modules with `render(report, stream, style)`, imported when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from strongroom.errors import InvalidRequest

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.finding import Report

FORMATS = {
    "codequality": "strongroom.scanner.reports.codequality",
    "csv": "strongroom.scanner.reports.csv",
    "gitlab": "strongroom.scanner.reports.gitlab",
    "html": "strongroom.scanner.reports.html",
    "json": "strongroom.scanner.reports.json",
    "jsonl": "strongroom.scanner.reports.jsonl",
    "junit": "strongroom.scanner.reports.junit",
    "sarif": "strongroom.scanner.reports.sarif",
    "text": "strongroom.scanner.reports.text",
}

VERSION = "0.1.0"
HOME = "https://strongroom.invalid/"  # SARIF wants an address; the project has none that answers (RFC 2606)


class Style(NamedTuple):
    """How a report looks.

    Secrets are masked unless `show_secrets`; `redact` hides so many percent of
    each instead (-1: not asked for). `color` is for terminals. `root` is the
    folder that paths in machine-readable reports are relative to, `now` when
    the report is made (seconds since the epoch), and `category` tells several
    reports of one commit apart.
    """

    show_secrets: bool = False
    color: bool = False
    redact: int = -1
    root: str = ""
    now: float = 0.0
    category: str = ""


def render(name: str, report: Report, stream: TextIO, style: Style = Style()) -> None:
    """Write `report` to `stream` in the format `name`. Raises InvalidRequest for an unknown one."""
    if name not in FORMATS:
        from difflib import get_close_matches  # noqa: PLC0415 (for a mistake only)

        near = get_close_matches(name, FORMATS, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(FORMATS))}"
        raise InvalidRequest(f"unknown format `{name}`; {hint}")
    import_module(FORMATS[name]).render(report, stream, style)
