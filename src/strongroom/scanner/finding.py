"""What a scan yields: matches in one blob, and findings with all their occurrences."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from strongroom.scanner.blob import Provenance
    from strongroom.scanner.detector import Detector

CONFIDENCE_RANK = {"low": 0, "medium": 1, "high": 2}
SEVERITY_RANK = {"low": 0, "medium": 1, "high": 2, "critical": 3}
KIND_RANK = {"generic": 0, "context": 1, "precise": 2}


class Match(NamedTuple):
    """A detector fired on `data[start:end]`; `secret` differs from it where the text was encoded.

    `score` is the chance that it is a secret as the generic scoring sees it;
    precise and context matches have 1.0. `reasons` say why, for people. `known`
    names and proves it to the vault that holds it.
    """

    detector: Detector
    start: int
    end: int
    secret: bytes
    confidence: str
    severity: str
    score: float = 1.0
    reasons: tuple[str, ...] = ()
    name: str = ""
    known: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Match({self.detector.id}, {self.start}, {self.end})"


class Occurrence(NamedTuple):
    """One place of a finding. Lines and columns count from 1, columns in bytes.

    `excerpt` is the line (or what fits of it around the secret), with the secret
    at `excerpt[mark:mark_end]` and other secrets at the spans in `also`; `head` is
    the text from the line's start on, for SARIF's line hash. These hold plaintext:
    reports mask them. `allow` is the inline marker that a person put beside it.
    """

    provenance: Provenance
    blob: str
    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int
    excerpt: bytes
    mark: int
    mark_end: int
    head: bytes
    name: str = ""
    also: tuple[tuple[int, int], ...] = ()
    allow: str = ""

    def __repr__(self) -> str:
        return f"Occurrence({self.provenance.shown}:{self.line}:{self.column})"


class Finding:
    """One secret of one kind, however often it was seen.

    `validity` is "unknown" until a live check (`asked`) says "live" or "dead", and `reach`
    what that check told. `suppressed` is why it is not counted, "" if it is.
    `unlisted` is how many more occurrences there are than are listed.
    """

    __slots__ = (
        "asked",
        "confidence",
        "detector",
        "fingerprint",
        "known",
        "occurrences",
        "reach",
        "reasons",
        "score",
        "secret",
        "severity",
        "suppressed",
        "unlisted",
        "validity",
    )

    def __init__(self, match: Match, fingerprint: str) -> None:
        self.detector = match.detector
        self.fingerprint = fingerprint
        self.secret = match.secret
        self.confidence = match.confidence
        self.severity = match.severity
        self.score = match.score
        self.reasons = match.reasons
        self.known = match.known
        self.occurrences: list[Occurrence] = []
        self.validity = "unknown"
        self.asked = False
        self.reach: dict[str, str] = {}
        self.suppressed = ""
        self.unlisted = 0

    def settle(self, listed: int) -> None:
        """Put the occurrences into their order, each once, and list no more than `listed`."""
        distinct = {(o.provenance, o.start): o for o in self.occurrences}
        ordered = sorted(
            distinct.values(), key=lambda o: (o.provenance.date, o.provenance.path, o.provenance, o.start)
        )
        self.unlisted = max(0, len(ordered) - listed)
        self.occurrences = ordered[:listed]

    def order(self) -> tuple[str, int, int, str, str]:
        """Where the finding stands in a report: by its first place."""
        first = self.occurrences[0]
        return first.provenance.shown, first.line, first.column, self.detector.id, self.fingerprint

    def __repr__(self) -> str:
        return f"Finding({self.detector.id}, {self.fingerprint}, {len(self.occurrences)} occurrences)"

    @property
    def masked(self) -> str:
        """The secret as people may see it."""
        return mask(self.secret)


class Report:
    """All of one scan: findings in a fixed order, what was read, and what could not be."""

    __slots__ = ("blobs", "findings", "seconds", "size", "unit", "warnings")

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.warnings: list[str] = []
        self.blobs = 0
        self.size = 0
        self.seconds = 0.0
        self.unit = "files"

    @property
    def open(self) -> list[Finding]:
        """The findings that count: not suppressed."""
        return [finding for finding in self.findings if not finding.suppressed]


def mask(secret: bytes) -> str:
    """Hide `secret`, but for a few characters at the ends of a long one."""
    text = printable(secret)
    if len(text) < 16:
        return "•" * min(len(text), 8)
    head = 4 if len(text) >= 24 else 0
    return f"{text[:head]}••••{text[-4:] if len(text) < 200 else ''}"


def printable(raw: bytes) -> str:
    """Decode for people; what could steer a terminal becomes a visible mark."""
    text = raw.decode("utf-8", "replace")
    return text if text.isprintable() else "".join(c if c.isprintable() else "·" for c in text)
