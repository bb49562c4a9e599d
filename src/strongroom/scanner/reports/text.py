"""For people: what was found, where, how sure, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.scanner.reports import records

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.finding import Finding, Occurrence, Report
    from strongroom.scanner.reports import Style

SHOWN = 5  # occurrences of one finding printed
_COLORS = {
    "critical": "1;31",
    "high": "31",
    "medium": "33",
    "low": "36",
    "dim": "2",
    "bold": "1",
    "live": "1;31",
}


def render(report: Report, stream: TextIO, style: Style) -> None:
    """Write each finding that counts as a paragraph."""
    stream.writelines("\n".join(_finding(found, style)) + "\n\n" for found in report.open)


def _finding(found: Finding, style: Style) -> list[str]:
    d = found.detector
    grade = _paint(found.severity, found.severity, style)
    validity = " · validity unknown" if found.asked else ""
    if found.validity != "unknown":
        validity = " · " + _paint(found.validity, "live" if found.validity == "live" else "dim", style)
    title, id = _paint(d.name, "bold", style), _paint(d.id, "dim", style)
    lines = [f"{title}  {grade} · {found.confidence} confidence{validity}  {id}"]
    for place in found.occurrences[:SHOWN]:
        lines += _place(place, style)
    more = len(found.occurrences) - SHOWN + found.unlisted
    if more > 0:
        lines.append(f"  and {more:,} more")
    if found.reach:
        reach = ", ".join(f"{key} {value}" for key, value in sorted(found.reach.items()))
        lines.append(f"  reach: {records.visible(reach)}")
    if found.reasons:
        lines.append(f"  why: {'; '.join(found.reasons)}")
    lines.append(f"  fix: {d.advice}")
    lines.append(_paint(f"  fingerprint {found.fingerprint}", "dim", style))
    return lines


def _place(place: Occurrence, style: Style) -> list[str]:
    where = place.provenance
    before, inner, after = records.parts(place, style)
    lead = before.lstrip()
    lines = [
        f"  {records.visible(where.shown)}:{place.line}:{place.column}",
        f"    {lead}{_paint(inner, 'bold', style)}{after.rstrip()}",
        f"    {' ' * len(lead)}{'^' * len(inner)}",
    ]
    if where.commit:
        who = records.visible(f"{where.author} <{where.email}>")
        lines.append(f"    commit {where.commit[:12]} · {who} · {where.date}")
    return lines


def _paint(text: str, color: str, style: Style) -> str:
    return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if style.color else text
