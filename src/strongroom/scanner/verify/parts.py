"""The other parts of a credential, from around it: findings in the same file, and its text.

An account beside its token is a finding of its own (`with`); a tenant or a host name
is none, so a pattern finds it in the text (`near`), where that can still be read.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from strongroom.scanner.verify.call import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from strongroom.scanner.finding import Finding, Occurrence
    from strongroom.scanner.verify.call import Call

TRIED = 3  # neighbours tried for one finding
WINDOW = 4096  # bytes of text before and after the secret
PLACES = 5  # occurrences around which the text is read


class Part(NamedTuple):
    """What fills a place, the finding it is, if it is one, and how far away it stands in bytes."""

    text: str
    finding: Finding | None
    distance: int


class Parts:
    """All findings of a scan, by detector and file."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._files: dict[tuple[str, object], list[tuple[int, Finding]]] = defaultdict(list)
        for finding in findings:
            for place in finding.occurrences:
                self._files[finding.detector.id, _file(place)].append((place.start, finding))

    def sets(self, call: Call, finding: Finding) -> Iterator[dict[str, Part]]:
        """Yield sets of parts for `finding`, the nearest first; none when a needed part is missing."""
        choices = {name: self._neighbours(ids, finding) for name, ids in call.wanted.items()}
        texts = _texts(finding) if call.near else []
        choices |= {name: _within(shape, texts) for name, shape in call.near.items()}
        if any(not found for name, found in choices.items() if name not in call.optional):
            return
        for number in range(max([len(found) for found in choices.values()] or [1]) or 1):
            yield {name: found[min(number, len(found) - 1)] for name, found in choices.items() if found}

    def _neighbours(self, ids: tuple[str, ...], finding: Finding) -> list[Part]:
        nearest: dict[str, Part] = {}
        for place in finding.occurrences:
            for id in ids:
                for start, other in self._files.get((id, _file(place)), ()):
                    text = other.secret.decode("utf-8", "replace").strip()
                    _keep(nearest, Part(text, other, abs(start - place.start)))
        return _nearest(nearest)


def _file(place: Occurrence) -> object:
    where = place.provenance
    return where.path, where.commit, where.inside


def _texts(finding: Finding) -> list[tuple[str, int]]:
    """Text around the finding's places, each with where the secret stands in it."""
    found = []
    for place in finding.occurrences[:PLACES]:
        raw, at = place.excerpt, place.mark
        where = place.provenance
        if where.path and not where.commit and not where.inside:
            first = max(0, place.start - WINDOW)
            read = _window(where.path, first, place.end + WINDOW - first)
            secret = raw[place.mark : place.mark_end]
            if read[place.start - first :].startswith(secret):  # the file is still as it was scanned
                raw, at = read, place.start - first
        found.append((raw.decode("latin-1"), at))
    return found


def _window(path: str, first: int, size: int) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (seeks)
            file.seek(first)
            return file.read(size)
    except OSError:
        return b""


def _within(shape: str, texts: list[tuple[str, int]]) -> list[Part]:
    nearest: dict[str, Part] = {}
    for text, at in texts:
        for match in pattern(shape).finditer(text):
            _keep(nearest, Part(match[1], None, abs(match.start(1) - at)))
    return _nearest(nearest)


def _keep(nearest: dict[str, Part], part: Part) -> None:
    known = nearest.get(part.text)
    if known is None or part.distance < known.distance:
        nearest[part.text] = part


def _nearest(found: dict[str, Part]) -> list[Part]:
    return sorted(found.values(), key=lambda part: (part.distance, part.text))[:TRIED]
