"""What the last scan of a folder found, so that `strongroom ignore --last-found` can name it.

Kept in the cache folder, which is the user's own: fingerprints and places, no secrets.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

from strongroom.scanner import cache

if TYPE_CHECKING:
    from strongroom.scanner.finding import Report

LIMIT = 1000  # findings remembered


class Found(NamedTuple):
    """A finding as it is remembered."""

    fingerprint: str
    detector: str
    name: str
    place: str
    masked: str
    validity: str


def remember(report: Report, folder: str) -> None:
    """Remember what counts in `report` for the repository around `folder`."""
    found = []
    for finding in report.open[:LIMIT]:
        first = finding.occurrences[0]
        place = f"{first.provenance.shown}:{first.line}"
        d = finding.detector
        found.append((finding.fingerprint, d.id, d.name, place, finding.masked, finding.validity))
    cache.write(_name(folder), found)


def recall(folder: str) -> list[Found]:
    """What was remembered last for the repository around `folder`."""
    stored = cache.read(_name(folder))
    return [Found(*item) for item in stored] if isinstance(stored, list) else []


def _name(folder: str) -> str:
    place = os.path.realpath(folder)
    while not os.path.lexists(f"{place}/.git") and place != "/":
        place = os.path.dirname(place)  # noqa: PTH120
    if place == "/":
        place = os.path.realpath(folder)
    return f"found-{hashlib.sha256(place.encode()).hexdigest()[:32]}"
