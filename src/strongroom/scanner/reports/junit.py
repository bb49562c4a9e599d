"""JUnit XML: each detector that found something is a suite, each place a failed case."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from strongroom.scanner.reports import records

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.finding import Finding, Report
    from strongroom.scanner.reports import Style

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report, stream: TextIO, style: Style) -> None:
    """Write one document; without findings there is one case that passed."""
    groups: dict[str, list[Finding]] = {}
    for found in report.open:
        groups.setdefault(found.detector.id, []).append(found)
    count = sum(len(found.occurrences) for found in report.open)
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    stream.write(
        f'<testsuites name="strongroom" tests="{count or 1}" failures="{count}"'
        f' time="{report.seconds:.3f}">\n'
    )
    if not groups:
        stream.write('  <testsuite name="strongroom" tests="1" failures="0">\n')
        stream.write('    <testcase classname="strongroom" name="no secrets" />\n  </testsuite>\n')
    for id, group in sorted(groups.items()):
        _suite(id, group, stream, style)
    stream.write("</testsuites>\n")


def _suite(id: str, group: list[Finding], stream: TextIO, style: Style) -> None:
    count = sum(len(found.occurrences) for found in group)
    stream.write(f'  <testsuite name={_attribute(id)} tests="{count}" failures="{count}">\n')
    for found in group:
        for place in found.occurrences:
            where = place.provenance
            name = f"{where.shown}:{place.line}:{place.column}"
            lines = [
                f"{found.detector.name}: {records.shown(found.secret, style)}",
                f"severity {found.severity}, confidence {found.confidence}, {found.validity}",
                f"fingerprint {found.fingerprint}",
            ]
            if where.commit:
                lines.append(f"commit {where.commit} {where.author} {where.date}")
            lines.append(found.detector.advice)
            stream.write(
                f"    <testcase classname={_attribute(id)} name={_attribute(name)}"
                f" file={_attribute(records.relative(place, style))}>\n"
                f'      <failure type="secret" message={_attribute(found.detector.name)}>'
                f"{escape(_legal(chr(10).join(lines)))}</failure>\n    </testcase>\n"
            )
    stream.write("  </testsuite>\n")


def _legal(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def _attribute(text: str) -> str:
    return quoteattr(_legal(text))
