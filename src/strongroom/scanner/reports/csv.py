"""CSV: one line for each place of a finding. What a spreadsheet would run as a formula is quoted."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from strongroom.scanner.reports import records

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.finding import Report
    from strongroom.scanner.reports import Style

COLUMNS = (
    "detector", "name", "severity", "confidence", "validity", "path", "inside", "line", "column", "secret",
    "fingerprint", "commit", "author", "email", "date", "advice", "suppressed",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(report: Report, stream: TextIO, style: Style) -> None:
    """Write a header and one line a place, suppressed findings too."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for found in report.findings:
        d = found.detector
        for place in found.occurrences:
            where = place.provenance
            about = (d.id, d.name, found.severity, found.confidence, found.validity)
            spot = (where.path or "stdin", "!".join(where.inside), place.line, place.column)
            commit = (where.commit, where.author, where.email, where.date)
            secret = (records.shown(found.secret, style), found.fingerprint)
            row = (*about, *spot, *secret, *commit, d.advice, found.suppressed)
            writer.writerow([_inert(cell) if isinstance(cell, str) else cell for cell in row])


def _inert(cell: str) -> str:
    cell = records.visible(cell)
    return "'" + cell if cell.startswith(_FORMULA) else cell
