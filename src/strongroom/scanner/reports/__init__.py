"""Report formats by name: modules with `render(report, stream, style)`, imported when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from strongroom.errors import InvalidRequest

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.finding import Report

FORMATS = {
    "json": "strongroom.scanner.reports.json",
    "jsonl": "strongroom.scanner.reports.jsonl",
    "text": "strongroom.scanner.reports.text",
}


class Style(NamedTuple):
    """How a report looks. Secrets are masked unless `show_secrets`; `color` is for terminals."""

    show_secrets: bool = False
    color: bool = False


def render(name: str, report: Report, stream: TextIO, style: Style = Style()) -> None:
    """Write `report` to `stream` in the format `name`. Raises InvalidRequest for an unknown one."""
    if name not in FORMATS:
        raise InvalidRequest(f"unknown format `{name}`; known: {', '.join(sorted(FORMATS))}")
    import_module(FORMATS[name]).render(report, stream, style)
