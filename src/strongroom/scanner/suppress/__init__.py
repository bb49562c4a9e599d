"""What a scan does not count: inline markers, the reviewed ignore file, baselines.

Everything but an inline marker goes by the secret's fingerprint, so it survives
a moved line, a rebase and a squash, and cannot hide another secret. A secret
that was verified live is hidden only where the ignore file says `live = true`,
and then the scan says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from strongroom.scanner.suppress import ignorefile, markers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.scanner.finding import Finding, Report
    from strongroom.scanner.suppress.baseline import Baseline
    from strongroom.scanner.suppress.ignorefile import Entry


class Suppression(NamedTuple):
    """All that may hide a finding."""

    entries: Sequence[Entry] = ()
    baselines: Sequence[Baseline] = ()
    inline: bool = True


def gather(
    paths: Sequence[str], ignore_file: str, baselines: Sequence[str], key: bytes, *, inline: bool = True
) -> Suppression:
    """Read the ignore file (the one named, or that above the first of `paths`) and the baselines.

    Raises InvalidRequest for a file that is wrong: half a list would hide less, or more, than was reviewed.
    """
    name = ignore_file or ignorefile.find(paths[0] if paths else ".")
    entries = ignorefile.read(name) if name else ()
    if not baselines:
        return Suppression(entries, (), inline)
    from strongroom.scanner.suppress import baseline  # noqa: PLC0415 (only where one is named)

    return Suppression(entries, [baseline.read(path, key) for path in baselines], inline)


def apply(report: Report, rest: Suppression, today: str) -> None:
    """Note on each finding why it does not count; `today` is a date as YYYY-MM-DD."""
    for found in report.findings:
        if found.suppressed:
            continue
        if rest.inline:
            _inline(found, report)
        if found.suppressed:
            _hide(found, found.suppressed, report, accepted=False)
        elif entry := _entry(found, rest, today, report):
            reason = f"{entry.reason} ({entry.owner}, until {entry.expires})"
            _hide(found, reason, report, accepted=entry.live)
        elif reason := next((reason for known in rest.baselines if (reason := known.explains(found))), ""):
            _hide(found, reason, report, accepted=False)


def _inline(found: Finding, report: Report) -> None:
    """Leave out the places with a marker; with none left the finding is suppressed."""
    kept, reason = [], ""
    for place in found.occurrences:
        holds, text = markers.holds(place.allow, found.fingerprint) if place.allow else (False, "")
        if holds:
            reason = f"inline {text}"
            continue
        if text:
            report.warnings.append(f"{place.provenance.shown}:{place.line}: {text}, so it hides nothing")
        kept.append(place)
    if not kept and not found.unlisted:
        found.suppressed = reason
    elif kept:
        found.occurrences = kept


def _entry(found: Finding, rest: Suppression, today: str, report: Report) -> Entry | None:
    """Return the reviewed entry that hides the finding; an expired one is a warning."""
    for entry in rest.entries:
        if entry.names(found):
            if entry.expires >= today:
                return entry
            report.warnings.append(f"{_short(found)}: its exception ended on {entry.expires}")
    return None


def _hide(found: Finding, reason: str, report: Report, *, accepted: bool) -> None:
    """Hide the finding; a live one only where that was `accepted`, and never in silence."""
    live = found.validity == "live"
    found.suppressed = reason if accepted or not live else ""
    if live and accepted:
        report.warnings.append(f"{_short(found)} is hidden although it is live: {reason}")
    elif live:
        report.warnings.append(f"{_short(found)} is live, so this does not hide it: {reason}")


def _short(found: Finding) -> str:
    return f"{found.detector.name} ({found.fingerprint[:12]})"
