"""Findings as plain records: what the machine-readable formats have in common."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from strongroom.scanner.finding import mask, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.scanner.finding import Finding, Occurrence, Report
    from strongroom.scanner.reports import Style

VERSION = 1
HIDDEN = "••••"


def finding(found: Finding, style: Style) -> dict[str, Any]:
    """The record of a finding; its keys are stable within VERSION."""
    d = found.detector
    return {
        "detector": d.id,
        "name": d.name,
        "kind": d.kind,
        "fingerprint": found.fingerprint,
        "secret": shown(found.secret, style),
        "confidence": found.confidence,
        "severity": found.severity,
        "score": round(found.score, 3),
        "reasons": list(found.reasons),
        "validity": found.validity,
        "reach": found.reach,
        "suppressed": found.suppressed,
        "advice": d.advice,
        "docs": d.docs,
        "playbook": d.playbook,
        "occurrences": [occurrence(place, style) for place in found.occurrences],
        "unlisted": found.unlisted,
        **({"known": list(found.known)} if found.known else {}),
    }


def occurrence(place: Occurrence, style: Style) -> dict[str, Any]:
    """The record of one place; keys without a value are left out."""
    where = place.provenance
    record = {
        "path": where.path,
        "inside": list(where.inside),
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "excerpt": excerpt(place, style),
        "field": place.name,
        "blob": place.blob,
        "commit": where.commit,
        "author": where.author,
        "email": where.email,
        "date": where.date,
        "message": where.message,
    }
    return {key: value for key, value in record.items() if value not in ("", [])}


def rows(report: Report) -> Iterator[tuple[Finding, Occurrence]]:
    """Each place of each finding that counts: the formats that list places use it."""
    for found in report.open:
        for place in found.occurrences:
            yield found, place


def shown(secret: bytes, style: Style) -> str:
    """The secret as `style` allows: in full, cut off by percent, or masked."""
    if style.redact >= 0:
        text = printable(secret)
        kept = len(text) * (100 - style.redact) // 100
        return text[:kept] + (HIDDEN if kept < len(text) else "")
    return printable(secret) if style.show_secrets else mask(secret)


def excerpt(place: Occurrence, style: Style) -> str:
    """The line of an occurrence with the secret masked."""
    before, inner, after = parts(place, style)
    return before + inner + after


def parts(place: Occurrence, style: Style) -> tuple[str, str, str]:
    """The text before the secret, the secret (masked) and the text after it."""
    raw = place.excerpt[place.mark : place.mark_end]
    text = place.excerpt
    if not (style.show_secrets or style.redact == 0):
        for first, last in place.also:  # same length, so that `mark` stays right
            text = text[:first] + b"*" * (last - first) + text[last:]
    before, after = text[: place.mark], text[place.mark_end :]
    if not (style.show_secrets or style.redact == 0) and raw:
        before, after = before.replace(raw, b"****"), after.replace(raw, b"****")
    return printable(before), shown(raw, style), printable(after.rstrip(b"\r"))


def visible(text: str) -> str:
    """Text from a repository or a provider, with what could steer a terminal spelled out."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def relative(place: Occurrence, style: Style) -> str:
    """The path of an occurrence below the root of the scan, with forward slashes."""
    path = place.provenance.path or "stdin"
    if place.provenance.commit or not style.root:
        return path.removeprefix("./")
    full = os.path.normpath(os.path.join(os.getcwd(), path))  # noqa: PTH109, PTH118
    root = style.root.rstrip("/") + "/"
    return full.removeprefix(root) if full.startswith(root) else path.lstrip("/")


def stamp(seconds: float, pattern: str = "%Y-%m-%dT%H:%M:%S") -> str:
    """A time in UTC as reports write it."""
    import time  # noqa: PLC0415 (not for a text report)

    return time.strftime(pattern, time.gmtime(seconds))
