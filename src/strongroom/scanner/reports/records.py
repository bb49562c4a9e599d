"""Findings as plain records: what the machine-readable formats have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strongroom.scanner.finding import mask, printable

if TYPE_CHECKING:
    from strongroom.scanner.finding import Finding, Occurrence
    from strongroom.scanner.reports import Style

VERSION = 1


def finding(found: Finding, style: Style) -> dict[str, Any]:
    """The record of a finding; its keys are stable within VERSION."""
    d = found.detector
    return {
        "detector": d.id,
        "name": d.name,
        "kind": d.kind,
        "fingerprint": found.fingerprint,
        "secret": printable(found.secret) if style.show_secrets else found.masked,
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


def excerpt(place: Occurrence, style: Style) -> str:
    """The line of an occurrence with the secret masked."""
    before, inner, after = parts(place, style)
    return before + inner + after


def parts(place: Occurrence, style: Style) -> tuple[str, str, str]:
    """The text before the secret, the secret (masked) and the text after it."""
    raw = place.excerpt[place.mark : place.mark_end]
    before, after = place.excerpt[: place.mark], place.excerpt[place.mark_end :]
    if not style.show_secrets and raw:
        before, after = before.replace(raw, b"****"), after.replace(raw, b"****")
    return printable(before), printable(raw) if style.show_secrets else mask(raw), printable(after)
