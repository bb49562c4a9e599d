"""JSON lines: one finding a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from strongroom.scanner.reports import records

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.finding import Report
    from strongroom.scanner.reports import Style


def render(report: Report, stream: TextIO, style: Style) -> None:
    """Write one line for each finding."""
    for found in report.findings:
        json.dump(records.finding(found, style), stream, ensure_ascii=False, separators=(",", ":"))
        stream.write("\n")
