"""One JSON document: findings, warnings and what was read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from strongroom.scanner.reports import records

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.finding import Report
    from strongroom.scanner.reports import Style


def render(report: Report, stream: TextIO, style: Style) -> None:
    """Write the report as one document."""
    document = {
        "version": records.VERSION,
        "findings": [records.finding(found, style) for found in report.findings],
        "warnings": report.warnings,
        "scanned": {report.unit: report.blobs, "bytes": report.size, "seconds": round(report.seconds, 3)},
    }
    json.dump(document, stream, ensure_ascii=False, indent=2)
    stream.write("\n")
