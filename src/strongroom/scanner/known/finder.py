"""Finds what a vault holds, beside what the detectors find.

A window that passes the filter is evaluated with the server, blinded; what is then no row
of the filter is forgotten. For a row the server tells how much stands before and after
the window, and a check that only the whole value passes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from strongroom.scanner.detector import Detector
from strongroom.scanner.finding import Match
from strongroom.scanner.known import blinding, escapes, tokens
from strongroom.scanner.known.survey import Survey
from strongroom.scanner.known.texts import BETWEEN, Joined, Plain, decoded, look
from strongroom.scanner.known.windows import WIDTH
from strongroom.scanner.scan import can_group

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from strongroom.scanner.blob import Version
    from strongroom.scanner.known.search import Filter
    from strongroom.scanner.known.texts import Places, Readable
    from strongroom.scanner.matcher import Text
    from strongroom.scanner.scan import Finder

BATCH = 500  # points or rows in one request
_REMEMBERED = 100_000
_START = attrgetter("start")
DETECTOR = Detector(
    "strongroom.known_value",
    "Value held by the vault",
    "precise",
    "high",
    "critical",
    "Rotate it where it is stored, then remove it from here.",
    playbook="vault",
)
TOKEN = DETECTOR._replace(
    id="strongroom.token",
    name="Token of the vault's server",
    advice="Revoke it by its accessor, then remove it from here.",
)


class Held(NamedTuple):
    """A value of the index: `length` bytes, its window `before` bytes in, held as `names` say."""

    id: bytes
    before: int
    length: int
    check: bytes
    names: tuple[str, ...]


class Evaluated(NamedTuple):
    """What is known of a window: its evaluated point and the values around it."""

    key: bytes
    held: tuple[Held, ...]


class Vault(Protocol):
    """The server's side of the exchange."""

    def evaluate(self, points: Sequence[bytes]) -> list[bytes]:
        """Multiply each point with the server's key."""
        ...

    def tokens(self, fingerprints: Sequence[str]) -> list[str]:
        """How each token is named, "" for one that is not the server's or no longer good."""
        ...

    def held(self, rows: Sequence[tuple[bytes, bytes]]) -> list[tuple[Held, ...]]:
        """The live values of each row, named by (id, proof)."""
        ...


class KnownFinder:
    """The matches of `detectors`, and those of a vault's values, which take precedence."""

    def __init__(self, detectors: Finder, filter: Filter, vault: Vault) -> None:
        self._detectors = detectors
        self._filter = filter
        self._survey = Survey()
        self._vault = vault
        self._seen: dict[bytes, Evaluated] = {}
        self._told: dict[bytes, str] = {}

    def scan(
        self, path: str, data: bytes, *, binary: bool = False, version: Version | None = None
    ) -> list[Match]:
        """Return the matches in `data`, ordered by place, none over another."""
        found = self._detectors.scan(path, data, binary=binary, version=version)
        return _merged(found, list(self._known(data)))

    def warm(self) -> None:
        """Compile what most scans need, once, before workers are forked."""
        if can_group(self._detectors):
            self._detectors.warm()

    def scan_many(self, texts: Sequence[Text]) -> Iterator[list[Match]]:
        """Yield what `scan` returns for each of `texts`; all are searched at once."""
        if can_group(self._detectors):
            inner = self._detectors.scan_many(texts)
        else:
            inner = (self._detectors.scan(t.path, t.data, binary=t.binary, version=t.version) for t in texts)
        ends = list(accumulate(len(text.data) + len(BETWEEN) for text in texts))
        known: list[list[Match]] = [[] for _ in texts]
        for match in self._known(BETWEEN.join([text.data for text in texts])):
            number = bisect_right(ends, match.start)
            before = ends[number - 1] if number else 0
            start, end = match.start - before, match.end - before
            if end <= len(texts[number].data):  # not over the end of one text into the next
                known[number].append(match._replace(start=start, end=end))
        for found, own in zip(inner, known, strict=True):
            yield _merged(found, own)

    def _known(self, data: bytes) -> Iterator[Match]:
        if len(data) < WIDTH:
            return
        plain, seen = Plain(data), look(data, self._survey, self._filter)
        joined = Joined(decoded(data, seen, self._survey, self._filter))
        searched: tuple[Plain | Joined, ...] = (plain, joined) if joined.text else (plain,)
        for search in searched:
            for first, last, match in self._tokens(search.text):
                yield _placed(match, search.span(first, last), data)
        texts: list[tuple[Readable, Places]] = [(plain, seen.places)]
        inner = joined.wholes(self._places(joined.text))
        texts += [(whole, self._places(whole.text)) for whole in inner]
        wanted = {text.text[at : at + WIDTH]: row for text, places in texts for at, row in places}
        if len(self._seen) > _REMEMBERED:
            self._seen.clear()
        self._learn({window: row for window, row in wanted.items() if window not in self._seen})
        for text, places in texts:
            for first, last, match in self._matches(text.text, places):
                yield _placed(match, text.span(first, last), data)

    def _places(self, text: bytes) -> Places:
        return look(text, self._survey, self._filter).places

    def _tokens(self, text: bytes) -> Iterator[tuple[int, int, Match]]:
        """The tokens of the vault's server."""
        places = list(tokens.found(text))
        unknown = list({token for _, token in places} - self._told.keys())
        for first in range(0, len(unknown), BATCH):
            batch = unknown[first : first + BATCH]
            names = self._vault.tokens([tokens.fingerprint(token) for token in batch])
            self._told |= dict(zip(batch, names, strict=True))
        for at, token in places:
            name = self._told[token]
            if name:
                known = (tokens.fingerprint(token),)
                reasons = (f"is {name}",)
                match = Match(TOKEN, 0, 0, token, "high", "critical", 1.0, reasons, known=known)
                yield at, at + len(token), match

    def _learn(self, unknown: dict[bytes, int]) -> None:
        """Ask the server about windows not seen before."""
        windows = list(unknown)
        for first in range(0, len(windows), BATCH):
            batch = windows[first : first + BATCH]
            blinded = [blinding.blind(window) for window in batch]
            answers = self._vault.evaluate([b.point for b in blinded])
            keys = [blinding.unblind(b, answer) for b, answer in zip(blinded, answers, strict=True)]
            self._seen |= {window: Evaluated(key, ()) for window, key in zip(batch, keys, strict=True)}
            self._look_up({w: (unknown[w], k) for w, k in zip(batch, keys, strict=True)})

    def _look_up(self, evaluated: dict[bytes, tuple[int, bytes]]) -> None:
        """Fetch the values of those windows that are rows of the filter."""
        true = [
            (window, key, (id, blinding.proof(key)))
            for window, (row, key) in evaluated.items()
            for tag, id in self._filter.tags(row)
            if tag == blinding.tag(key)
        ]
        for first in range(0, len(true), BATCH):
            batch = true[first : first + BATCH]
            answers = self._vault.held([row for _, _, row in batch])
            for (window, key, _), held in zip(batch, answers, strict=True):
                self._seen[window] = Evaluated(key, self._seen[window].held + held)

    def _matches(self, text: bytes, places: list[tuple[int, int]]) -> Iterator[tuple[int, int, Match]]:
        for at, _ in places:
            window = text[at : at + WIDTH]
            key, values = self._seen[window]
            for held in values:
                yield from _whole(text, at, window, key, held)


def _whole(text: bytes, at: int, window: bytes, key: bytes, held: Held) -> Iterator[tuple[int, int, Match]]:
    """The value around the window at `at`, if all of it stands there, in any form."""
    rest = held.length - held.before
    low = max(0, at - escapes.LONGEST * held.before)
    for plain in escapes.forms(text[low : at + escapes.LONGEST * rest], low):
        place = plain.text.find(window)
        while place >= 0:
            first = place - held.before
            value = plain.text[first : first + held.length] if first >= 0 else b""
            here = plain.origins[place] == at and len(value) == held.length
            if here and blinding.check(key, value) == held.check:
                reasons = tuple(f"is {name}" for name in held.names)
                known = (held.id + blinding.holding(key, value)).hex()
                match = Match(DETECTOR, 0, 0, value, "high", "critical", 1.0, reasons, known=(known,))
                yield plain.origins[first], plain.origins[first + held.length], match
                return
            place = plain.text.find(window, place + 1)


def _placed(match: Match, span: tuple[int, int], data: bytes) -> Match:
    return match._replace(start=span[0], end=min(span[1], len(data)))


def _merged(found: list[Match], known: list[Match]) -> list[Match]:
    if not known:
        return found
    kept = _apart(known)
    return sorted([*kept, *(m for m in found if _is_free(kept, m))], key=_START)


def _apart(matches: list[Match]) -> list[Match]:
    """Of matches over each other the longest, in order."""
    kept: list[Match] = []
    for match in sorted(matches, key=lambda m: (m.start - m.end, m.start)):
        if _is_free(kept, match):
            insort(kept, match, key=_START)
    return kept


def _is_free(kept: list[Match], match: Match) -> bool:
    """Whether none of `kept`, which are in order and apart, stands over `match`."""
    before = bisect_left(kept, match.end, key=_START)
    return not before or kept[before - 1].end <= match.start
