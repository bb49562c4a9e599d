"""One HTML file for people who were not there: opens without network, runs no script.

Its content security policy allows its own style sheet, by digest, and nothing
else: whatever a scanned file may have smuggled in cannot load or run.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.scanner.finding import SEVERITY_RANK
from strongroom.scanner.reports import records

if TYPE_CHECKING:
    from typing import TextIO

    from strongroom.scanner.finding import Finding, Occurrence, Report
    from strongroom.scanner.reports import Style

SHOWN = 50  # occurrences of one finding listed


def render(report: Report, stream: TextIO, style: Style) -> None:
    """Write the page."""
    css = Path(__file__).with_name("page.css").read_text("utf-8")
    digest = b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    stream.write(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Secrets found: {len(report.open):,}</title>\n<style>{css}</style>\n</head>\n<body>\n"
    )
    stream.write(_head(report, style))
    ordered = sorted(report.open, key=lambda found: -_weight(found))
    stream.writelines(_finding(found, style) for found in ordered)
    stream.write(_kinds(report) + _suppressed(report) + _warnings(report))
    stream.write("</body>\n</html>\n")


def _weight(found: Finding) -> int:
    return SEVERITY_RANK[found.severity] + 10 * (found.validity == "live")


def _head(report: Report, style: Style) -> str:
    counts = Counter(found.severity for found in report.open)
    live = sum(found.validity == "live" for found in report.open)
    tiles = "".join(
        f'<li class="{grade}"><b>{counts[grade]:,}</b>{grade}</li>' for grade in reversed(SEVERITY_RANK)
    )
    tiles += f'<li class="critical"><b>{live:,}</b>verified live</li>' if live else ""
    made = records.stamp(style.now, "%Y-%m-%d %H:%M UTC")
    many = "No secrets found" if not report.open else f"{len(report.open):,} secrets found"
    many = "1 secret found" if len(report.open) == 1 else many
    note = "" if report.open else "<p>Nothing to do.</p>\n"
    return (
        f'<header>\n<h1>{many}</h1>\n<p class="dim">{report.blobs:,} {escape(report.unit)},'
        f" {report.size / 1e6:,.0f} MB read in {report.seconds:.1f} s · {made} · Strongroom</p>\n"
        f'</header>\n<ul class="tiles">{tiles}</ul>\n{note}'
    )


def _finding(found: Finding, style: Style) -> str:
    d = found.detector
    state = "" if found.validity == "unknown" else f" · <strong>{escape(found.validity)}</strong>"
    more = len(found.occurrences) - SHOWN + found.unlisted
    docs = f' <a href="{escape(d.docs)}" rel="noreferrer">Documentation</a>'
    reasons = escape("; ".join(found.reasons))
    reach = "".join(
        f" · {escape(records.visible(key))} {escape(records.visible(value))}"
        for key, value in sorted(found.reach.items())
    )
    return (
        f'<article class="{found.severity}">\n<h3>{escape(d.name)}</h3>\n'
        f'<p><span class="grade">{found.severity}</span> · {found.confidence} confidence{state}{reach}'
        f' · <code>{escape(d.id)}</code> · <code class="dim">{found.fingerprint}</code></p>\n'
        + "".join(_place(place, style) for place in found.occurrences[:SHOWN])
        + (f'<p class="dim">and {more:,} more places</p>\n' if more > 0 else "")
        + (f'<p class="dim">Why: {reasons}</p>\n' if reasons else "")
        + f"<p><strong>What to do:</strong> {escape(d.advice)}"
        + (docs if d.docs.startswith("https://") else "")
        + "</p>\n</article>\n"
    )


def _place(place: Occurrence, style: Style) -> str:
    where = place.provenance
    before, inner, after = (escape(part) for part in records.parts(place, style))
    commit = ""
    if where.commit:
        who = escape(records.visible(f"{where.commit[:12]} · {where.author} <{where.email}> · {where.date}"))
        commit = f'<span class="dim"> · commit {who}</span>'
    path = escape(records.visible(where.shown))
    return (
        f'<div class="place"><code>{path}:{place.line}:{place.column}</code>{commit}\n'
        f"<pre>{before.lstrip()}<mark>{inner}</mark>{after.rstrip()}</pre></div>\n"
    )


def _kinds(report: Report) -> str:
    if len(report.open) < 2:
        return ""
    kinds = Counter((found.detector.name, found.detector.id) for found in report.open)
    lines = "".join(
        f"<tr><td>{escape(name)}</td><td><code>{escape(id)}</code></td><td>{count:,}</td></tr>\n"
        for (name, id), count in kinds.most_common()
    )
    return (
        f"<h2>By kind</h2>\n<table><tr><th>Kind</th><th>Detector</th><th>Secrets</th></tr>\n{lines}</table>\n"
    )


def _suppressed(report: Report) -> str:
    hidden = [found for found in report.findings if found.suppressed]
    if not hidden:
        return ""
    lines = "".join(
        f"<tr><td><code>{found.fingerprint}</code></td><td>{escape(found.detector.name)}</td>"
        f"<td>{escape(found.suppressed)}</td></tr>\n"
        for found in hidden
    )
    return f"<details><summary>{len(hidden):,} suppressed</summary>\n<table>\n{lines}</table></details>\n"


def _warnings(report: Report) -> str:
    if not report.warnings:
        return ""
    lines = "".join(f"<li>{escape(text)}</li>\n" for text in report.warnings)
    many = "1 warning" if len(report.warnings) == 1 else f"{len(report.warnings):,} warnings"
    return f"<details><summary>{many}</summary>\n<ul>\n{lines}</ul></details>\n"
